//! The official clients as child processes: asks in, what came of them out.

use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::rig::within;

/// One client.
#[derive(Clone, Copy, Debug)]
pub(super) struct Official {
    pub(super) name: &'static str,
    program: &'static str,
    script: &'static str,
}

/// The `openai` packages of PyPI and npm.
pub(super) const OFFICIAL: [Official; 2] = [
    Official { name: "openai for Python", program: "bin/python", script: "openai_python.py" },
    Official { name: "openai for Node", program: "bin/node", script: "openai_node.mjs" },
];

impl Official {
    /// Asks in turn and gives an outcome for each: `{"answer"}`, or `{"events"}`, beside which an `"error"` may stand.
    pub(super) async fn ask(self, asks: &[Value]) -> Vec<Value> {
        // Beside cargo's own folder for tests, where tests/run installs them.
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("clients");
        assert!(folder.join("installed").exists(), "{} is missing: tests/run installs it", self.name);
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/clients").join(self.script);
        let mut command = Command::new(folder.join(self.program));
        // An environment can name proxies, keys and other servers.
        command.arg(script).current_dir(folder).env_clear().kill_on_drop(true);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        stdin.write_all(Value::from(asks.to_vec()).to_string().as_bytes()).await.expect("it reads");
        drop(stdin);
        let output = within(self.name, child.wait_with_output()).await.expect("its output");
        assert!(output.status.success(), "{}: {}", self.name, output.status);
        let outcomes: Vec<Value> = serde_json::from_slice(&output.stdout).expect("outcomes");
        assert_eq!(outcomes.len(), asks.len(), "{}", self.name);
        outcomes
    }
}
