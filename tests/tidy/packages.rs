//! What goldgate is built from: licences, sources and double versions, from deny.toml and `cargo metadata`.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;
use spdx::{Expression, ParseMode};

use crate::none;

fn rules() -> toml::Table {
    std::fs::read_to_string("deny.toml").unwrap().parse().unwrap()
}

/// Packages that are built for Linux, as cargo locked them.
fn packages() -> Vec<Value> {
    let arguments =
        ["metadata", "--format-version=1", "--locked", "--filter-platform=x86_64-unknown-linux-gnu"];
    let output = Command::new(env!("CARGO")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 100, "cargo lists {} packages", packages.len());
    packages.clone()
}

fn name(package: &Value) -> String {
    format!("{}@{}", package["name"].as_str().unwrap(), package["version"].as_str().unwrap())
}

#[test]
fn every_licence_is_one_that_was_agreed_to() {
    let rules = rules();
    let allowed: Vec<_> =
        rules["licenses"]["allow"].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
    let refused = |package: &Value| {
        let text = package["license"].as_str().unwrap_or("none");
        let expression = Expression::parse_mode(text, ParseMode::LAX);
        let fine =
            expression.is_ok_and(|all| all.evaluate(|one| allowed.contains(&one.to_string().as_str())));
        (!fine).then(|| format!("{}: its licence is {text}", name(package)))
    };
    none(packages().iter().filter_map(refused).collect());
}

#[test]
fn every_package_comes_from_the_public_registry() {
    let rules = rules();
    let registry = rules["sources"]["allow-registry"][0].as_str().unwrap();
    let known = |package: &Value| match package["source"].as_str() {
        None => package["name"] == "goldgate",
        Some(source) => source == format!("registry+{registry}"),
    };
    none(
        packages()
            .iter()
            .filter(|package| !known(package))
            .map(|package| format!("{}: {}", name(package), package["source"]))
            .collect(),
    );
}

#[test]
fn no_package_is_built_twice_without_a_reason() {
    let rules = rules();
    let skipped: Vec<_> =
        rules["bans"]["skip"].as_array().unwrap().iter().map(|one| one["crate"].as_str().unwrap()).collect();
    let mut versions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in packages() {
        versions.entry(package["name"].as_str().unwrap().to_owned()).or_default().push(name(&package));
    }
    let twice: Vec<_> = versions.into_values().filter(|all| all.len() > 1).collect();
    let wrong =
        twice.iter().filter(|all| all.iter().filter(|one| !skipped.contains(&one.as_str())).count() > 1);
    let mut wrong: Vec<_> =
        wrong.map(|all| format!("deny.toml: {} without a reason", all.join(" and "))).collect();
    let stale = skipped.iter().filter(|skip| !twice.iter().flatten().any(|one| one == *skip));
    wrong.extend(stale.map(|skip| format!("deny.toml: {skip} is not built twice any more")));
    none(wrong);
}
