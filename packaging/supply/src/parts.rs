//! The packages that the program is made of.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The package that holds the program.
const ROOT: &str = "paser-app";
/// States its licence in its LICENSE file alone.
const UNSTATED: [(&str, &str); 1] = [("cfg_block", "Apache-2.0")];

/// One package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Name at the registry.
    pub name: String,
    /// Version.
    pub version: String,
    /// SPDX expression.
    pub licence: String,
    /// Who wrote it, where it says so.
    pub authors: Vec<String>,
    /// Where its source is kept.
    pub repository: Option<String>,
    /// Folder of its source on this machine.
    pub folder: PathBuf,
    /// SHA-256 of what the registry delivers; none for our own packages.
    pub checksum: Option<String>,
    /// Name and version of what it uses itself.
    pub uses: Vec<(String, String)>,
}

impl Part {
    /// Whether it belongs to this repository.
    pub fn is_ours(&self) -> bool {
        self.checksum.is_none()
    }
}

/// All packages that are linked into the program for `target`, by name and version; tools of the tests and of
/// the build are none of them.
///
/// # Errors
/// A sentence where cargo fails or a package states no licence.
pub fn parts(checkout: &Path, target: &str) -> Result<Vec<Part>, String> {
    let metadata = metadata(checkout, target)?;
    let lock = checkout.join("Cargo.lock");
    let lock = std::fs::read_to_string(&lock).map_err(|e| format!("cannot read {} ({e})", lock.display()))?;
    let checksums = checksums(&lock);
    let nodes: BTreeMap<&str, &Value> =
        list(&metadata["resolve"]["nodes"]).map(|n| (text(&n["id"]), n)).collect();
    let packages: BTreeMap<&str, &Value> = list(&metadata["packages"]).map(|p| (text(&p["id"]), p)).collect();
    let mut found: Vec<Part> = linked(&nodes, &packages)?
        .into_iter()
        .filter_map(|id| Some((packages.get(id)?, nodes.get(id)?)))
        .map(|(package, node)| part(package, node, &packages, &checksums))
        .collect::<Result<_, _>>()?;
    found.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    Ok(found)
}

fn metadata(checkout: &Path, target: &str) -> Result<Value, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--locked", "--filter-platform", target])
        .current_dir(checkout)
        .output()
        .map_err(|e| format!("cargo does not run ({e})"))?;
    if !output.status.success() {
        return Err(format!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr)));
    }
    serde_json::from_slice(&output.stdout).map_err(|e| format!("cargo metadata gave no JSON ({e})"))
}

/// Ids of what the program reaches over normal dependencies.
fn linked<'a>(
    nodes: &BTreeMap<&'a str, &'a Value>,
    packages: &BTreeMap<&'a str, &'a Value>,
) -> Result<BTreeSet<&'a str>, String> {
    let root = packages.iter().find(|(_, p)| p["name"] == ROOT).map(|(id, _)| *id);
    let mut waiting = vec![root.ok_or_else(|| format!("{ROOT} is not in this workspace"))?];
    let mut seen = BTreeSet::new();
    while let Some(id) = waiting.pop() {
        if seen.insert(id) {
            waiting.extend(nodes.get(id).into_iter().flat_map(|node| normal(node)));
        }
    }
    Ok(seen)
}

/// Ids of the normal dependencies of a node.
fn normal(node: &Value) -> impl Iterator<Item = &str> {
    let is_normal = |dep: &&Value| list(&dep["dep_kinds"]).any(|kind| kind["kind"].is_null());
    list(&node["deps"]).filter(is_normal).map(|dep| text(&dep["pkg"]))
}

fn part(
    package: &Value,
    node: &Value,
    packages: &BTreeMap<&str, &Value>,
    checksums: &BTreeMap<(String, String), String>,
) -> Result<Part, String> {
    let key = |p: &Value| (text(&p["name"]).to_owned(), text(&p["version"]).to_owned());
    let (name, version) = key(package);
    let stated = package["license"].as_str();
    let licence = stated.or_else(|| UNSTATED.iter().find(|(n, _)| *n == name).map(|(_, licence)| *licence));
    let licence =
        licence.ok_or_else(|| format!("{name} {version} states no licence; look into its source"))?;
    let manifest = PathBuf::from(text(&package["manifest_path"]));
    let mut uses: Vec<_> = normal(node).filter_map(|id| packages.get(id)).map(|p| key(p)).collect();
    uses.sort();
    Ok(Part {
        licence: licence.replace('/', " OR ").split_whitespace().collect::<Vec<_>>().join(" "),
        authors: list(&package["authors"]).map(|a| text(a).to_owned()).collect(),
        repository: package["repository"].as_str().map(str::to_owned),
        folder: manifest.parent().unwrap_or(Path::new(".")).to_owned(),
        checksum: checksums.get(&(name.clone(), version.clone())).cloned(),
        name,
        version,
        uses,
    })
}

/// Checksums of `Cargo.lock`, by name and version.
fn checksums(lock: &str) -> BTreeMap<(String, String), String> {
    let entry = |block: &str| {
        let field = |name: &str| {
            let start = format!("{name} = \"");
            block.lines().find_map(|l| Some(l.strip_prefix(&start)?.trim_end_matches('"').to_owned()))
        };
        Some(((field("name")?, field("version")?), field("checksum")?))
    };
    lock.split("[[package]]").filter_map(entry).collect()
}

fn list(value: &Value) -> std::slice::Iter<'_, Value> {
    value.as_array().map(Vec::as_slice).unwrap_or_default().iter()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_found_by_name_and_version() {
        let lock = "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.0\"\nchecksum = \"12\"\n\n\
                    [[package]]\nname = \"ours\"\nversion = \"0.1\"\n";
        let found = checksums(lock);
        assert_eq!(found.get(&("a".to_owned(), "1.0".to_owned())).map(String::as_str), Some("12"));
        assert_eq!(found.len(), 1);
    }
}
