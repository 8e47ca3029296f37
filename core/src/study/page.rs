//! What a study gives: a page in Markdown with its tables as CSV, its figures as files, and every number as JSON.

use crate::device::Description;
use crate::error::{Error, Result};
use crate::export::write_atomic;
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// A page.
#[derive(Clone, Debug)]
pub struct Page {
    /// The study's name, with which every file begins.
    pub name: String,
    /// Heading.
    pub title: String,
    /// What was done, in paragraphs.
    pub text: Vec<String>,
    /// Tables in order.
    pub tables: Vec<Table>,
    /// Figures in order.
    pub figures: Vec<Figure>,
    /// What differs from the paper and why, in paragraphs.
    pub notes: Vec<String>,
    /// Every number.
    pub figures_json: Value,
    /// How large the study was.
    pub scale: &'static str,
    /// Where it was computed.
    pub device: Description,
    /// Wall seconds of this run.
    pub seconds: f64,
    /// Its seed.
    pub seed: u64,
}

/// A table.
#[derive(Clone, Debug)]
pub struct Table {
    /// Name of its file.
    pub name: String,
    /// Heading.
    pub title: String,
    /// Columns.
    pub columns: Vec<String>,
    /// Rows, as many entries each as there are columns.
    pub rows: Vec<Vec<String>>,
}

/// A figure.
#[derive(Clone, Debug)]
pub struct Figure {
    /// Name of its file with the ending.
    pub file: String,
    /// What it shows.
    pub caption: String,
    /// The file.
    pub bytes: Vec<u8>,
}

impl Table {
    /// Of text.
    pub fn new(name: &str, title: &str, columns: &[&str], rows: Vec<Vec<String>>) -> Self {
        let columns = columns.iter().map(|c| (*c).to_owned()).collect();
        Self { name: name.to_owned(), title: title.to_owned(), columns, rows }
    }

    fn markdown(&self) -> String {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let rule = format!("|{}\n", "---|".repeat(self.columns.len()));
        let rows: String = self.rows.iter().map(|r| line(r)).collect();
        format!("### {}\n\n{}{rule}{rows}\n", self.title, line(&self.columns))
    }

    fn csv(&self) -> String {
        let cell = |text: &String| {
            if text.contains([',', '"', '\n']) {
                format!("\"{}\"", text.replace('"', "\"\""))
            } else {
                text.clone()
            }
        };
        let line = |cells: &[String]| cells.iter().map(cell).collect::<Vec<_>>().join(",") + "\n";
        std::iter::once(&self.columns).chain(&self.rows).map(|cells| line(cells)).collect()
    }
}

impl Page {
    /// The page as Markdown.
    pub fn markdown(&self) -> String {
        let mut page = format!("# {}\n\n", self.title);
        let minutes = self.seconds / 60.0;
        let _ = writeln!(
            page,
            "Scale: {}. Device: {} ({}). Seed {}. Wall time of this run {minutes:.1} min. Made by `paser study {}`, version {}.\n",
            self.scale,
            self.device.name,
            self.device.driver,
            self.seed,
            self.name,
            env!("CARGO_PKG_VERSION")
        );
        self.text.iter().for_each(|p| page += &format!("{p}\n\n"));
        self.tables.iter().for_each(|t| page += &t.markdown());
        for figure in &self.figures {
            let _ = writeln!(page, "![{}]({})\n\n{}\n", figure.caption, figure.file, figure.caption);
        }
        if !self.notes.is_empty() {
            page += "## What differs from the paper, and why\n\n";
            self.notes.iter().for_each(|n| page += &format!("- {n}\n"));
        }
        page
    }

    /// Every number as JSON.
    pub fn json(&self) -> Value {
        json!({
            "study": self.name,
            "scale": self.scale,
            "seed": self.seed,
            "device": self.device,
            "seconds": self.seconds,
            "figures": self.figures_json,
        })
    }

    /// Writes the page, its tables, figures and numbers into `folder`; says which files. All or, where one is
    /// there already and `force` is not given, none.
    ///
    /// # Errors
    /// Where a file exists already and `force` is not given, or cannot be written.
    pub fn write(&self, folder: &Path, force: bool) -> Result<Vec<PathBuf>> {
        let files: Vec<(PathBuf, Vec<u8>)> =
            self.files()?.into_iter().map(|(name, bytes)| (folder.join(name), bytes)).collect();
        if let Some((there, _)) = files.iter().find(|(path, _)| !force && path.symlink_metadata().is_ok()) {
            return Err(Error::Exists(there.clone()));
        }
        std::fs::create_dir_all(folder).map_err(|e| Error::io("cannot create", folder, e))?;
        let write = |(path, bytes): (PathBuf, Vec<u8>)| write_atomic(&path, &bytes, force).map(|()| path);
        files.into_iter().map(write).collect()
    }

    /// Names and contents of all files.
    fn files(&self) -> Result<Vec<(String, Vec<u8>)>> {
        let json = serde_json::to_vec_pretty(&self.json())
            .map_err(|e| Error::invalid(format!("the study's figures cannot be written down ({e})")))?;
        let named = |end: &str| format!("{}{end}", self.name);
        let mut files = vec![(named(".md"), self.markdown().into_bytes()), (named(".json"), json)];
        files.extend(self.tables.iter().map(|t| (named(&format!("_{}.csv", t.name)), t.csv().into_bytes())));
        files.extend(self.figures.iter().map(|f| (f.file.clone(), f.bytes.clone())));
        Ok(files)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_the_same_in_both_forms() {
        let rows = vec![vec!["a, \"b\"".to_owned(), "1".to_owned()]];
        let table = Table::new("t", "T", &["method", "IoU"], rows);
        assert_eq!(table.csv(), "method,IoU\n\"a, \"\"b\"\"\",1\n");
        assert_eq!(table.markdown(), "### T\n\n| method | IoU |\n|---|---|\n| a, \"b\" | 1 |\n\n");
    }
}
