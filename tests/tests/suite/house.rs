//! The house's own rules, checked over `cargo metadata`: one wgpu, no banned crate, known licences.

use std::collections::BTreeSet;
use std::process::Command;

const LICENCES: [&str; 16] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MPL-2.0",
    "OFL-1.1",
    "Ubuntu-font-1.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];
const BANNED: [&str; 4] = ["openssl-sys", "native-tls", "gtk-sys", "reqwest"];

fn packages() -> Vec<serde_json::Value> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--locked",
            "--offline",
            "--filter-platform",
            "x86_64-unknown-linux-gnu",
        ])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .expect("cargo metadata runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let all: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let used: BTreeSet<&str> =
        all["resolve"]["nodes"].as_array().unwrap().iter().map(|n| n["id"].as_str().unwrap()).collect();
    let packages = all["packages"].as_array().unwrap().iter();
    packages.filter(|p| used.contains(p["id"].as_str().unwrap())).cloned().collect()
}

/// Parts of a licence expression between `word`s that stand in no brackets.
fn parts<'a>(expression: &'a str, word: &str) -> Vec<&'a str> {
    let (mut parts, mut depth, mut from) = (Vec::new(), 0, 0);
    for (at, c) in expression.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ if depth == 0 && at >= from && expression[at..].starts_with(word) => {
                parts.push(&expression[from..at]);
                from = at + word.len();
            }
            _ => {}
        }
    }
    parts.push(&expression[from..]);
    parts
}

/// Whether `expression` can be kept to with known licences alone; OR binds less than AND.
fn fits(expression: &str) -> bool {
    let (any, all) = (parts(expression, " OR "), parts(expression, " AND "));
    if any.len() > 1 {
        return any.into_iter().any(fits);
    }
    if all.len() > 1 {
        return all.into_iter().all(fits);
    }
    match expression.strip_prefix('(').and_then(|e| e.strip_suffix(')')) {
        Some(inner) => fits(inner),
        None => LICENCES.contains(&expression),
    }
}

#[test]
fn licence_expressions_are_read_with_their_brackets() {
    assert!(
        fits("MIT OR GPL-3.0-only")
            && fits("(MIT OR GPL-3.0-only) AND ISC")
            && fits("ISC AND (GPL-3.0-only OR MIT)")
    );
    assert!(!fits("(MIT OR ISC) AND GPL-3.0-only") && !fits("GPL-3.0-only AND (MIT OR ISC)") && !fits(""));
}

#[test]
fn one_wgpu_no_banned_crate_and_only_known_licences() {
    let packages = packages();
    let named = |name: &str| packages.iter().filter(|p| p["name"] == name).count();
    assert_eq!(named("wgpu"), 1, "the window and Burn share one wgpu");
    for banned in BANNED {
        assert_eq!(named(banned), 0, "{banned} is banned");
    }
    for package in &packages {
        // cfg_block states its licence, Apache-2.0, in its LICENSE file alone
        let stated = if package["name"] == "cfg_block" { "Apache-2.0" } else { "" };
        let licence = package["license"].as_str().unwrap_or(stated);
        let offered = licence.replace(" / ", "/").replace('/', " OR ");
        assert!(fits(&offered), "{} {} has licence \"{licence}\"", package["name"], package["version"]);
    }
}
