//! What the packages bring beside the program: manual, completions, desktop files, licences, bill of materials.

use crate::fixture::program;
use paser_app::window::about::Licences;
use paser_app::window::project::ENDING;
use paser_supply::{Part, licences, parts, sbom};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::tempdir;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
const ENTRY: &str = include_str!("../../../packaging/linux/paser-studio.desktop");
const TYPES: &str = include_str!("../../../packaging/linux/paser-studio.xml");

/// Runs a checker of the system's where it is installed.
fn checked(checker: &str, arguments: &[&str], file: &str) {
    match Command::new(checker).args(arguments).arg(Path::new(ROOT).join(file)).output() {
        Ok(output) => {
            let said = [output.stdout, output.stderr].concat();
            assert!(output.status.success(), "{file}: {}", String::from_utf8_lossy(&said));
        }
        Err(_) => println!("SKIPPED: {checker} is not installed"),
    }
}

/// What the program's help lists.
fn commands() -> Vec<String> {
    let output = Command::new(program()).arg("--help").output().expect("the program runs");
    let text = String::from_utf8(output.stdout).expect("help as text");
    let lines =
        text.lines().skip_while(|l| !l.starts_with("Commands:")).skip(1).take_while(|l| l.starts_with("  "));
    lines.filter_map(|l| l.split_whitespace().next()).filter(|c| *c != "help").map(str::to_owned).collect()
}

#[test]
fn manual_and_completions_know_every_command() {
    let share = tempdir().unwrap();
    let made = Command::new(program()).arg("manual").arg(share.path()).output().expect("the program runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let read = |path: &str| {
        std::fs::read_to_string(share.path().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
    };
    let commands = commands();
    assert!(commands.len() > 10, "{commands:?}");
    let overview = read("man/man1/paser.1");
    let shells = [
        "bash-completion/completions/paser.bash",
        "zsh/vendor-completions/_paser",
        "fish/vendor_completions.d/paser.fish",
    ];
    for command in &commands {
        assert!(overview.contains(&format!("paser\\-{command}")), "paser(1) does not name {command}");
        assert!(read(&format!("man/man1/paser-{command}.1")).contains(".SH SYNOPSIS"), "{command}");
        for shell in shells {
            assert!(read(shell).contains(command), "{shell} does not know {command}");
        }
    }
    assert!(!share.path().join("man/man1/paser-manual.1").exists(), "a tool of the packaging has a page");
}

#[test]
fn the_desktop_entry_opens_projects_and_tiffs() {
    checked("desktop-file-validate", &[], "packaging/linux/paser-studio.desktop");
    checked("xmllint", &["--noout"], "packaging/linux/paser-studio.xml");
    let field = |name: &str| ENTRY.lines().find_map(|l| l.strip_prefix(name)).unwrap_or_default();
    let words: Vec<&str> = field("Exec=").split(' ').collect();
    assert_eq!(words, ["paser", "open", "%f"]);
    assert!(commands().iter().any(|c| c == "open"));
    assert!(field("MimeType=").split(';').any(|t| t == "image/tiff"));
    let (_, rest) = TYPES.split_once("mime-type type=\"").expect("a type");
    let (own, _) = rest.split_once('"').expect("its end");
    assert!(field("MimeType=").split(';').any(|t| t == own), "{own}");
    assert!(TYPES.contains(&format!("<glob pattern=\"*.{ENDING}\"/>")));
}

fn all_parts() -> Vec<Part> {
    parts(Path::new(ROOT), "x86_64-unknown-linux-gnu").expect("the parts of the program")
}

#[test]
fn every_package_in_the_program_has_its_licence_in_the_package() {
    let parts = all_parts();
    let all =
        licences::collect(Path::new(ROOT), &parts, &[("Inter", "OFL-1.1", "assets/fonts/OFL.txt")]).unwrap();
    assert_eq!(all.packages.len(), parts.iter().filter(|p| !p.is_ours()).count() + 1);
    for (part, texts) in &all.packages {
        assert!(!texts.is_empty(), "{} has no text", part.name);
        assert!(
            texts.iter().any(|t| all.texts[*t].len() > 300),
            "{} has no text that says anything",
            part.name
        );
    }
    let page = all.page();
    for text in ["wgpu ", "burn ", "egui ", "SIL OPEN FONT LICENSE", "UBUNTU FONT LICENCE", "Apache License"]
    {
        assert!(page.contains(text), "the page lacks {text}");
    }
    assert!(!page.contains("egui_kittest"), "a tool of the tests is not in the program");
    let folder = tempdir().unwrap();
    let file = folder.path().join("licences.json");
    std::fs::write(&file, all.json().to_string()).unwrap();
    let read = Licences::read(&file).expect("the window reads what the packaging writes");
    assert_eq!((read.packages.len(), read.texts.len()), (all.packages.len(), all.texts.len()));
    let found = read.found("OFL inter");
    assert_eq!(found.iter().map(|i| read.packages[*i].name.as_str()).collect::<Vec<_>>(), ["Inter"]);
}

#[test]
fn a_package_without_any_text_gets_the_common_wording_or_is_refused() {
    let folder = tempdir().unwrap();
    let part = |licence: &str| Part {
        name: "bare".to_owned(),
        version: "1.0.0".to_owned(),
        licence: licence.to_owned(),
        authors: vec!["Ada".to_owned()],
        repository: None,
        folder: folder.path().to_owned(),
        checksum: Some("00".to_owned()),
        uses: Vec::new(),
    };
    let text =
        |licence: &str| licences::collect(Path::new(ROOT), &[part(licence)], &[]).map(|l| l.texts[0].clone());
    assert!(text("MIT").unwrap().contains("Copyright (c) Ada\n"));
    assert!(text("MIT OR Apache-2.0").unwrap().contains("Apache License"));
    assert!(text("MPL-2.0").unwrap().contains("Mozilla Public License"));
    let refusal = text("BSD-3-Clause").unwrap_err();
    assert!(refusal.contains("bare 1.0.0") && refusal.contains("BSD-3-Clause"), "{refusal}");
}

#[test]
fn the_bill_of_materials_names_each_part_once_and_every_dependency() {
    let parts = all_parts();
    let bill = sbom::bill(&parts, "paser-app");
    let list = |value: &serde_json::Value| value.as_array().cloned().unwrap_or_default();
    let mut known = BTreeSet::from([bill["metadata"]["component"]["bom-ref"].as_str().unwrap().to_owned()]);
    for component in list(&bill["components"]) {
        let name = component["bom-ref"].as_str().unwrap();
        assert!(known.insert(name.to_owned()), "{name} twice");
        let ours = name.starts_with("pkg:cargo/paser-");
        let hash = component["hashes"][0]["content"].as_str().map(str::len);
        assert_eq!(hash, (!ours).then_some(64), "{name}");
    }
    assert_eq!(known.len(), parts.len());
    for node in list(&bill["dependencies"]) {
        for on in list(&node["dependsOn"]) {
            assert!(known.contains(on.as_str().unwrap()), "{on} is no component");
        }
    }
}

/// Text for support must not tell who sent it.
#[test]
fn a_diagnosis_names_neither_user_nor_home_nor_machine() {
    let home = tempdir().unwrap();
    let data = home.path().join("ada.lovelace/paser");
    std::fs::create_dir_all(data.join("models")).unwrap();
    let copy = |name: &str| std::fs::create_dir_all(data.join(name)).unwrap();
    copy("models/electrode");
    copy("assets/sample");
    for json in [&[][..], &["--json"]] {
        let output = Command::new(program())
            .arg("diagnose")
            .args(json)
            .env("HOME", home.path().join("ada.lovelace"))
            .env("PASER_HOME", &data)
            .env("PASER_CACHE", "/srv/cache-of-ada.lovelace/beam-7")
            .env("USER", "ada.lovelace")
            .env("HOSTNAME", "beam-7")
            .env_remove("XDG_CACHE_HOME")
            .output()
            .expect("the program runs");
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{said}");
        assert!(said.contains("~/paser/models/electrode"), "{said}");
        for personal in ["ada.lovelace", "beam-7", &home.path().display().to_string()] {
            assert!(!said.contains(personal), "\"{personal}\" is in: {said}");
        }
        let machine = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let words: Vec<&str> = said.split(|c: char| !c.is_alphanumeric() && c != '-').collect();
        assert!(
            machine.trim().is_empty() || !words.contains(&machine.trim()),
            "the machine's name is in: {said}"
        );
    }
}

/// Files that the configuration for Windows and macOS names must be there.
#[test]
fn what_the_other_installers_name_exists() {
    let text =
        std::fs::read_to_string(Path::new(ROOT).join("packaging/Packager.toml")).expect("a configuration");
    let named: Vec<PathBuf> = text
        .split('"')
        .filter(|s| s.starts_with("../") || s.starts_with("icons/"))
        .map(|s| Path::new(ROOT).join("packaging").join(s))
        .collect();
    assert!(named.len() > 4, "{named:?}");
    for path in named.iter().filter(|p| !p.starts_with(Path::new(ROOT).join("packaging/../target"))) {
        assert!(path.exists(), "{} is missing", path.display());
    }
}
