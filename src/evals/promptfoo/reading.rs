//! A configuration under reading: its files, what is wrong with it, and what of it can be checked.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::document::{Fault, Faults, Key, Node, Place};
use crate::evals::suite::Unsupported;

/// What has been read so far.
pub(super) struct Reading {
    folder: PathBuf,
    hasher: blake3::Hasher,
    faults: Vec<Fault>,
    /// Assertions that can be checked, and those that cannot with their kind.
    checked: BTreeSet<Place>,
    unchecked: BTreeMap<Place, (String, &'static str)>,
    /// `assertionTemplates`, for those that refer to them.
    pub(super) templates: Vec<(Key, Node)>,
}

/// Files that promptfoo runs.
const CODE: [&str; 8] = ["js", "cjs", "mjs", "ts", "cts", "mts", "py", "rb"];

impl Reading {
    /// Reads files beside `folder`; `text` is that of the configuration.
    pub(super) fn new(folder: &Path, text: &str) -> Self {
        let mut reading = Self {
            folder: folder.to_owned(),
            hasher: blake3::Hasher::new_derive_key("goldgate/promptfoo-suite/1"),
            faults: Vec::new(),
            checked: BTreeSet::new(),
            unchecked: BTreeMap::new(),
            templates: Vec::new(),
        };
        reading.digests(text.as_bytes());
        reading
    }

    fn digests(&mut self, bytes: &[u8]) {
        self.hasher.update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
    }

    /// The digest over everything that was read.
    pub(super) fn digest(&self) -> String {
        format!("suite:{}", &self.hasher.finalize().to_hex()[..16])
    }

    /// Notes what is wrong at `place`, once: a test is read again for every combination of its variables.
    pub(super) fn wrong(
        &mut self,
        place: &Place,
        path: &str,
        rule: impl Into<String>,
        hint: impl Into<String>,
    ) {
        let fault = place.fault(path, rule, hint);
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }

    /// Notes an assertion that can be checked.
    pub(super) fn supports(&mut self, place: &Place) {
        self.checked.insert(place.clone());
    }

    /// Notes an assertion that cannot, of what kind it is, and why.
    pub(super) fn lacks(&mut self, place: &Place, kind: &str, why: &'static str) {
        self.unchecked.insert(place.clone(), (kind.to_owned(), why));
    }

    /// The text of the file that `reference` names, and how that file is called. `reference` stands at `place`.
    pub(super) fn file(&mut self, place: &Place, reference: &str) -> Option<(String, String)> {
        let name = reference.strip_prefix("file://").unwrap_or(reference);
        if is_code(name) {
            return self.none(
                place,
                format!("{name} is code, and is not run"),
                "write what it gives into a file",
            );
        }
        if name.contains("://") {
            return self.none(place, format!("{name} is not fetched"), "store it beside the configuration");
        }
        if name.contains(['*', '?', '{']) {
            let hint = "name each file; patterns of tests, scenarios and variables may have *, ? and **";
            return self.none(place, format!("{name}: one file, not a pattern"), hint);
        }
        let path = self.folder.join(name);
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                self.digests(text.as_bytes());
                Some((path.display().to_string(), text))
            }
            Err(error) => {
                let rule = format!("{} cannot be read: {error}", path.display());
                self.none(place, rule, "paths are taken from the folder of the configuration")
            }
        }
    }

    /// The files that `reference` names: itself, or those that its pattern matches, in the order of their names.
    pub(super) fn matching(&mut self, place: &Place, reference: &str) -> Vec<String> {
        let name = reference.strip_prefix("file://").unwrap_or(reference);
        if !name.contains(['*', '?']) || name.contains(['{', ':']) {
            return vec![reference.to_owned()];
        }
        let folder = self.folder.display().to_string();
        let beside =
            if folder.is_empty() { String::new() } else { format!("{}/", glob::Pattern::escape(&folder)) };
        let found = match glob::glob(&format!("{beside}{name}")) {
            Ok(found) => found.filter_map(Result::ok).filter(|path| path.is_file()),
            Err(error) => {
                return self.none(place, format!("{name}: {error}"), "* and ? and **").unwrap_or_default();
            }
        };
        let named = |path: PathBuf| path.strip_prefix(&self.folder).unwrap_or(&path).display().to_string();
        let mut found: Vec<String> = found.map(named).map(|name| format!("file://{name}")).collect();
        found.sort();
        if found.is_empty() {
            let hint = "paths are taken from the folder of the configuration";
            self.wrong(place, "", format!("no file is named like {name}"), hint);
        }
        found
    }

    /// The file as YAML or JSON.
    pub(super) fn document(&mut self, place: &Place, reference: &str) -> Option<Node> {
        let (file, text) = self.file(place, reference)?;
        Node::parse(&file, &text).map_err(|fault| self.faults.push(fault)).ok()
    }

    /// Notes a fault of a file that was read.
    pub(super) fn push(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    fn none<T>(&mut self, place: &Place, rule: String, hint: &str) -> Option<T> {
        self.wrong(place, "", rule, hint);
        None
    }

    /// What is not checked, in words, when that is allowed.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub(super) fn settle(&mut self, file: &str, unsupported: Unsupported) -> Result<Option<String>, Faults> {
        let mut faults = std::mem::take(&mut self.faults);
        let report = self.coverage();
        if let (Some(report), Unsupported::Refused) = (&report, unsupported) {
            faults.extend(self.unchecked.iter().map(|(place, (kind, why))| {
                place.fault("assert", format!("{kind} {why}, and is not checked here"), "see the last line")
            }));
            let hint = "--allow-unsupported judges without them, and says so in the verdict";
            faults.push(Place::whole(file).fault("", report.clone(), hint));
        }
        Faults(faults).or(report)
    }

    /// How many assertions are checked, and which kinds are not; none when all are.
    fn coverage(&self) -> Option<String> {
        let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
        for (kind, _) in self.unchecked.values() {
            *kinds.entry(kind).or_default() += 1;
        }
        let (checked, unchecked) = (self.checked.len(), self.unchecked.len());
        let kinds: Vec<String> = kinds.into_iter().map(|(kind, times)| format!("{kind} ({times})")).collect();
        (unchecked > 0).then(|| {
            format!("{checked} of {} assertions are checked; not: {}", checked + unchecked, kinds.join(", "))
        })
    }
}

/// Whether promptfoo runs the file.
pub(super) fn is_code(name: &str) -> bool {
    extension(name).is_some_and(|kind| CODE.contains(&kind))
}

/// What stands behind the last dot of a file's name.
pub(super) fn extension(name: &str) -> Option<&str> {
    // `file.js:function` names a function of a file.
    let name = name.rsplit('/').next().unwrap_or(name).split(':').next().unwrap_or(name);
    name.rsplit_once('.').map(|(_, kind)| kind)
}
