//! Dependencies against deny.toml, for machines without cargo-deny: its one list is read here too.
//!
//! Absent on purpose: advisories, which have to be fetched.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;
use spdx::{Expression, ParseMode};

use crate::tree::{none, read, root};

/// One crate of the build as cargo knows it.
struct Package {
    name: String,
    version: String,
    licence: String,
    /// `None` for this one.
    source: Option<String>,
}

/// Every crate that is built on Linux, for the program, its build and its tests.
///
/// Other platforms are left out because their crates need not have been downloaded.
fn packages() -> Vec<Package> {
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform", &platform])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let read = |package: &Value| Package {
        name: text(&package["name"]),
        version: text(&package["version"]),
        licence: text(&package["license"]),
        source: package["source"].as_str().map(str::to_owned),
    };
    metadata["packages"].as_array().unwrap().iter().map(read).collect()
}

fn deny() -> toml::Table {
    read("deny.toml").parse().unwrap()
}

fn strings(list: &toml::Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|entry| entry.as_str().unwrap()).collect()
}

#[test]
fn licences_are_allowed_ones() {
    let deny = deny();
    let allowed = strings(&deny["licenses"]["allow"]);
    let packages = packages();
    let (mut refused, mut named) = (Vec::new(), BTreeSet::new());
    for Package { name, version, licence, .. } in &packages {
        let choices = Expression::parse_mode(licence, ParseMode::LAX).ok();
        let fits = choices
            .as_ref()
            .is_some_and(|choices| choices.evaluate(|one| allowed.contains(&one.to_string().as_str())));
        refused.extend((!fits).then(|| format!("{name} {version}: licence {licence:?}")));
        named.extend(choices.iter().flat_map(Expression::requirements).map(|one| one.req.to_string()));
    }
    none(&refused);
    let unused = allowed.iter().filter(|licence| !named.contains(**licence));
    none(&unused.map(|licence| format!("deny.toml: nothing needs {licence}")).collect::<Vec<_>>());
}

#[test]
fn every_crate_comes_from_the_registry() {
    let deny = deny();
    let sources = &deny["sources"];
    assert_eq!(sources["unknown-registry"].as_str(), Some("deny"));
    assert_eq!(sources["unknown-git"].as_str(), Some("deny"));
    let registries = strings(&sources["allow-registry"]);
    let known = |source: &str| source.strip_prefix("registry+").is_some_and(|url| registries.contains(&url));
    let ours = |package: &Package| package.name == env!("CARGO_PKG_NAME");
    let packages = packages();
    let foreign = packages.iter().filter(|p| !ours(p) && !p.source.as_deref().is_some_and(known));
    none(&foreign.map(|p| format!("{} {}: from {:?}", p.name, p.version, p.source)).collect::<Vec<_>>());
}

#[test]
fn duplicates_are_exactly_those_with_a_reason() {
    let deny = deny();
    assert_eq!(deny["bans"]["multiple-versions"].as_str(), Some("deny"));
    let skipped = deny["bans"]["skip"].as_array().unwrap();
    let field = |entry: &toml::Value, key: &str| entry[key].as_str().unwrap().to_owned();
    let mut found: Vec<_> = skipped.iter().filter(|entry| field(entry, "reason").len() < 10).collect();
    let unexplained = found.drain(..).map(|entry| format!("deny.toml: {entry} has no reason"));
    none(&unexplained.collect::<Vec<_>>());

    let skipped: BTreeSet<_> = skipped.iter().map(|entry| field(entry, "crate")).collect();
    let mut versions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in packages() {
        versions
            .entry(package.name.clone())
            .or_default()
            .push(format!("{}@{}", package.name, package.version));
    }
    let duplicated: Vec<_> = versions.into_values().filter(|versions| versions.len() > 1).collect();
    let left =
        duplicated.iter().filter(|versions| versions.iter().filter(|v| !skipped.contains(*v)).count() != 1);
    none(
        &left.map(|versions| format!("deny.toml must skip all but one of {versions:?}")).collect::<Vec<_>>(),
    );
    let present: BTreeSet<_> = duplicated.into_iter().flatten().collect();
    none(
        &skipped
            .difference(&present)
            .map(|gone| format!("deny.toml: {gone} is no duplicate"))
            .collect::<Vec<_>>(),
    );
}
