//! The global flags, and what they mean on this terminal.

use std::io::IsTerminal;
use std::path::PathBuf;

use super::{Format, Output};

/// What was typed for every command.
#[derive(Clone, Debug, clap::Args)]
pub struct GlobalArgs {
    /// The configuration file
    #[arg(
        short,
        long,
        global = true,
        env = "GOLDGATE_CONFIG",
        default_value = "goldgate.toml",
        value_name = "FILE"
    )]
    pub config: PathBuf,
    /// When to colour what people read; NO_COLOR, CI and pipes are honoured
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub color: ColorChoice,
    /// Form of the output on stdout
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORM")]
    pub format: Format,
    /// Log filter, for example `info` or `goldgate::proxy=debug`; logs go to stderr
    #[arg(long, global = true, env = "GOLDGATE_LOG", default_value = "warn", value_name = "FILTER")]
    pub log: String,
}

/// When output is coloured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless NO_COLOR or CI is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What the global flags mean: passed to every command.
#[derive(Clone, Debug)]
pub struct Context {
    /// Where the configuration lies.
    pub config: PathBuf,
    /// Where output goes, and in which form.
    pub output: Output,
    /// Whether text for people on stdout is coloured.
    pub color: bool,
    /// What a step of GitHub Actions offers.
    pub github: GitHub,
}

/// A step of GitHub Actions, as its runner describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GitHub {
    /// Whether the runner reads annotations.
    pub annotates: bool,
    /// The file of the step's summary.
    pub summary: Option<PathBuf>,
}

impl GitHub {
    fn here() -> Self {
        let annotates = std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true");
        let summary = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty());
        Self { annotates, summary: summary.map(PathBuf::from) }
    }
}

/// The environment as far as it is text; what is not cannot be a setting.
pub(super) fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, value)| name.into_string().ok().zip(value.into_string().ok()))
}

/// The facts about this terminal that flags are weighed against.
#[derive(Clone, Copy, Debug)]
struct Surroundings {
    no_color: bool,
    ci: bool,
    stdout_terminal: bool,
    stderr_terminal: bool,
}

impl Surroundings {
    fn here() -> Self {
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        Self {
            no_color: set("NO_COLOR"),
            ci: set("CI"),
            stdout_terminal: std::io::stdout().is_terminal(),
            stderr_terminal: std::io::stderr().is_terminal(),
        }
    }
}

impl Context {
    /// What `args` mean in this process.
    #[must_use]
    pub fn new(args: GlobalArgs) -> Self {
        Self { github: GitHub::here(), ..Self::within(args, Surroundings::here()) }
    }

    fn within(args: GlobalArgs, around: Surroundings) -> Self {
        let color = match args.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => around.stdout_terminal && !around.no_color && !around.ci,
        };
        let progress = around.stderr_terminal && !around.ci;
        let output = Output::new(args.format, progress);
        Self { config: args.config, output, color, github: GitHub::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMINAL: Surroundings =
        Surroundings { no_color: false, ci: false, stdout_terminal: true, stderr_terminal: true };

    fn check(choice: ColorChoice, around: Surroundings, color: bool, progress: bool) {
        let args = GlobalArgs { config: "x".into(), color: choice, format: Format::Text, log: String::new() };
        let context = Context::within(args, around);
        assert_eq!((context.color, context.output.shows_progress()), (color, progress), "{around:?}");
    }

    #[test]
    fn colour_follows_the_flag_then_the_surroundings() {
        use ColorChoice::{Always, Auto, Never};
        check(Auto, TERMINAL, true, true);
        check(Auto, Surroundings { no_color: true, ..TERMINAL }, false, true);
        check(Auto, Surroundings { ci: true, ..TERMINAL }, false, false);
        check(Auto, Surroundings { stdout_terminal: false, ..TERMINAL }, false, true);
        check(Always, Surroundings { no_color: true, stdout_terminal: false, ..TERMINAL }, true, true);
        check(Never, TERMINAL, false, true);
    }
}
