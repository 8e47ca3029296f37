//! The house's own rules, checked over `cargo metadata`: one wgpu, no banned crate, known licences.

use std::collections::BTreeSet;
use std::process::Command;

const LICENCES: [&str; 18] = [
    "MIT",
    "MIT-0",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "Zlib",
    "0BSD",
    "Unicode-3.0",
    "Unlicense",
    "MPL-2.0",
    "OFL-1.1",
    "LicenseRef-UFL-1.0",
    "bzip2-1.0.6",
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
        let allowed = |one: &str| LICENCES.contains(&one.trim().trim_matches(['(', ')']).trim());
        let offered = licence.replace('/', " OR ");
        let fits = offered.split(" OR ").any(|choice| choice.split(" AND ").all(allowed));
        assert!(fits, "{} {} has licence \"{licence}\"", package["name"], package["version"]);
    }
}
