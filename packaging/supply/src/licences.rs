//! The texts of all licences, each once.

use crate::Part;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// How the names of files begin that hold a licence or a notice.
const NAMES: [&str; 8] = ["license", "licence", "copying", "notice", "copyright", "unlicense", "ofl", "ufl"];
/// Endings of files that hold code, whatever their name.
const CODE: [&str; 4] = ["rs", "toml", "json", "py"];

/// Texts without a place for a name, for packages that bring none.
const STANDARD: [(&str, &str); 2] =
    [("Apache-2.0", "LICENSE-APACHE"), ("MPL-2.0", "packaging/supply/standard/MPL-2.0.txt")];

/// Packages with their licences.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Licences {
    /// A package and the places of its texts.
    pub packages: Vec<(Part, Vec<usize>)>,
    /// The texts, each once.
    pub texts: Vec<String>,
}

/// The licences of `parts` that are not our own, and of what lies in the repository: the files `further`, each under
/// its name and its SPDX expression.
///
/// # Errors
/// A sentence where a file cannot be read or the text of a licence is nowhere to be had.
pub fn collect(checkout: &Path, parts: &[Part], further: &[(&str, &str, &str)]) -> Result<Licences, String> {
    let mut all = Licences::default();
    for part in parts.iter().filter(|p| !p.is_ours()) {
        let files = files(&part.folder);
        let mut texts = files.iter().map(|f| read(f)).collect::<Result<Vec<_>, _>>()?;
        texts.retain(|text| !is_link(text));
        if texts.is_empty() {
            texts.push(standard(checkout, part)?);
        }
        all.push(part.clone(), texts);
    }
    for (name, licence, file) in further {
        let folder = checkout.to_owned();
        let part = Part {
            name: (*name).to_owned(),
            version: String::new(),
            licence: (*licence).to_owned(),
            authors: Vec::new(),
            repository: None,
            folder,
            checksum: None,
            uses: Vec::new(),
        };
        all.push(part, vec![read(&checkout.join(file))?]);
    }
    Ok(all)
}

impl Licences {
    fn push(&mut self, part: Part, texts: Vec<String>) {
        let mut places: Vec<usize> = texts.into_iter().map(|text| self.place(text)).collect();
        places.dedup();
        self.packages.push((part, places));
    }

    fn place(&mut self, text: String) -> usize {
        let known = self.texts.iter().position(|t| *t == text);
        known.unwrap_or_else(|| {
            self.texts.push(text);
            self.texts.len() - 1
        })
    }

    /// For the window: `packages` with name, version, licence, repository and the places of their texts in `texts`.
    pub fn json(&self) -> Value {
        let package = |(p, texts): &(Part, Vec<usize>)| {
            json!({
                "name": p.name, "version": p.version, "licence": p.licence,
                "repository": p.repository, "texts": texts,
            })
        };
        json!({ "packages": self.packages.iter().map(package).collect::<Vec<_>>(), "texts": self.texts })
    }

    /// For people: a table of all packages, then every text with the packages it belongs to.
    pub fn page(&self) -> String {
        let mut page =
            "PaSeR Studio contains the software and fonts named here, under the licences that follow.\n\n"
                .to_owned();
        for (part, _) in &self.packages {
            page += format!("{:<44} {}\n", title(part), part.licence).as_str();
        }
        for (place, text) in self.texts.iter().enumerate() {
            let holders = self.packages.iter().filter(|(_, texts)| texts.contains(&place));
            let holders: Vec<String> = holders.map(|(part, _)| title(part)).collect();
            page += &format!("\n{}\n{}\n\n{text}", "=".repeat(78), wrapped(&holders));
        }
        page
    }
}

fn title(part: &Part) -> String {
    format!("{} {}", part.name, part.version).trim_end().to_owned()
}

/// Names in lines of bearable length.
fn wrapped(names: &[String]) -> String {
    let mut lines = vec![String::new()];
    for name in names {
        let full = lines.last().is_some_and(|line| line.len() + name.len() > 100);
        if full {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            *line += &format!("{}{name}", if line.is_empty() { "" } else { ", " });
        }
    }
    lines.join(",\n")
}

/// Files with licences in `folder` and in the folders in it, by name.
fn files(folder: &Path) -> Vec<PathBuf> {
    let inside = |folder: &Path| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let mut paths: Vec<PathBuf> = entries.map(|e| e.path()).collect();
        paths.sort();
        paths
    };
    let (folders, mut files): (Vec<_>, Vec<_>) = inside(folder).into_iter().partition(|p| p.is_dir());
    files.extend(folders.iter().flat_map(|f| inside(f)).filter(|p| p.is_file()));
    files.into_iter().filter(|p| is_licence(p)).collect()
}

fn is_licence(path: &Path) -> bool {
    let name = path.file_name().map(|n| n.to_string_lossy().to_lowercase()).unwrap_or_default();
    let code = path.extension().is_some_and(|e| CODE.iter().any(|c| e.eq_ignore_ascii_case(c)));
    !code && NAMES.iter().any(|start| name.starts_with(start))
}

/// A link to the licence of the repository, which the registry delivers as the path that it names.
fn is_link(text: &str) -> bool {
    text.starts_with("../") && text.lines().count() == 1
}

/// The text with plain line ends.
fn read(path: &Path) -> Result<String, String> {
    let bytes = std::fs::read(path).map_err(|e| format!("cannot read {} ({e})", path.display()))?;
    let text = String::from_utf8_lossy(&bytes).replace("\r\n", "\n");
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    Ok(format!("{}\n", lines.join("\n").trim_matches('\n')))
}

/// The common wording, for packages that name a licence and bring no text of it.
fn standard(checkout: &Path, part: &Part) -> Result<String, String> {
    let offered: Vec<&str> = part.licence.split([' ', '(', ')']).collect();
    let fixed = STANDARD.iter().find(|(licence, _)| offered.contains(licence));
    if let Some((_, file)) = fixed {
        return read(&checkout.join(file));
    }
    if !offered.contains(&"MIT") {
        return Err(format!("{} brings no text of its licence {}; add one", title(part), part.licence));
    }
    let ours = read(&checkout.join("LICENSE-MIT"))?;
    let authors = part.authors.join(", ");
    let owner = if authors.is_empty() { format!("the authors of {}", part.name) } else { authors };
    let lines = ours.lines().map(|line| match line.starts_with("Copyright") {
        true => format!("Copyright (c) {owner}\n"),
        false => format!("{line}\n"),
    });
    Ok(lines.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licences_are_told_from_code_by_their_names() {
        for (name, is) in
            [("LICENSE-MIT", true), ("OFL.txt", true), ("license.rs", false), ("README.md", false)]
        {
            assert_eq!(is_licence(Path::new(name)), is, "{name}");
        }
    }

    #[test]
    fn a_text_that_two_packages_share_is_kept_once() {
        let part = |name: &str| Part {
            name: name.to_owned(),
            version: "1.0".to_owned(),
            licence: "MIT".to_owned(),
            authors: Vec::new(),
            repository: None,
            folder: PathBuf::new(),
            checksum: None,
            uses: Vec::new(),
        };
        let mut all = Licences::default();
        all.push(part("a"), vec!["same\n".to_owned()]);
        all.push(part("b"), vec!["same\n".to_owned(), "other\n".to_owned()]);
        assert_eq!(all.texts.len(), 2);
        assert!(all.page().contains("\na 1.0, b 1.0\n\nsame\n"), "{}", all.page());
    }
}
