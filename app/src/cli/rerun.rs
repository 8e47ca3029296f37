//! `paser rerun`: repeats a run from its evidence file and compares.

use super::Common;
use super::input::{MethodArgs, bundle};
use super::segment::{SegmentArgs, one};
use paser_core::route::{Method, Router};
use paser_core::volume::Opening;
use paser_core::{Error, Result};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// What must be the same, as paths into `run.json`, with its name for people.
const COMPARED: [(&str, &str); 9] = [
    ("/run/input_sha256", "the grey values of the stack"),
    ("/run/bundle/sha256", "the bundle"),
    ("/run/program", "the program's version"),
    ("/run/device/name", "the device"),
    ("/run/normalisation", "the normalisation"),
    ("/labels_sha256", "the labels"),
    ("/routes_sha256", "the routes"),
    ("/totals/flops_total", "the FLOPs"),
    ("/fractions", "the fractions"),
];

#[derive(Debug, clap::Args)]
pub(super) struct RerunArgs {
    /// The run's evidence file
    #[arg(value_name = "RUN.json")]
    run: PathBuf,
    /// The stack, where it lies elsewhere now
    #[arg(long, value_name = "STACK")]
    stack: Option<PathBuf>,
    /// The bundle, where it lies elsewhere now
    #[arg(long, value_name = "B")]
    bundle: Option<PathBuf>,
}

/// Reads an evidence file.
pub(super) fn read(path: &Path) -> Result<Value> {
    let text = std::fs::read(path).map_err(|e| Error::io("cannot read", path, e))?;
    serde_json::from_slice(&text)
        .map_err(|e| Error::bad(path, format!("it is no evidence file of a run ({e}); choose a run.json")))
}

pub(super) fn run(args: &RerunArgs, common: &Common) -> Result<()> {
    let before = read(&args.run)?;
    let again = Evidence { path: &args.run, value: &before };
    let recorded: PathBuf = again.get("/run/bundle/folder")?;
    let bundle = bundle(Some(args.bundle.as_deref().unwrap_or(&recorded)))?;
    let stack = args.stack.clone().map_or_else(|| again.get("/run/stack"), Ok)?;
    let settings = again.settings(stack.clone())?;
    let common = Common { seed: again.get("/run/seed")?, force: false, ..common.clone() };
    let segmenter = common.segmenter(&bundle)?;
    let folder = std::env::temp_dir();
    let folder = tempfile::tempdir().map_err(|e| Error::io("cannot write to", &folder, e))?;
    one(&segmenter, &bundle, &stack, &settings, folder.path(), &common)?;
    let after = read(&folder.path().join("run.json"))?;
    let differences: Vec<Value> =
        COMPARED.iter().filter_map(|(at, what)| difference(&before, &after, at, what)).collect();
    let text = match &differences[..] {
        [] => "the same, voxel by voxel".to_owned(),
        some => some
            .iter()
            .map(|d| format!("{} differ: {} then, {} now\n", d["what"], d["then"], d["now"]))
            .collect(),
    };
    common.print(&json!({ "same": differences.is_empty(), "differences": differences }), &text)
}

fn difference(before: &Value, after: &Value, at: &str, what: &str) -> Option<Value> {
    let [then, now] = [before, after].map(|v| v.pointer(at).unwrap_or(&Value::Null));
    (then != now).then(|| json!({ "what": what, "then": then, "now": now }))
}

/// An evidence file whose entries are asked for by their paths.
struct Evidence<'a> {
    path: &'a Path,
    value: &'a Value,
}

impl Evidence<'_> {
    fn get<T: DeserializeOwned>(&self, at: &str) -> Result<T> {
        let value = self.value.pointer(at).cloned().unwrap_or_default();
        serde_json::from_value(value).map_err(|e| self.bad(&format!("{at}: {e}")))
    }

    fn bad(&self, why: &str) -> Error {
        Error::bad(
            self.path,
            format!("its entry {why}; it was changed, or written by another version that cannot be repeated"),
        )
    }

    /// The flags that make the same run of `stack`.
    fn settings(&self, stack: PathBuf) -> Result<SegmentArgs> {
        let (method, router): (Method, Router) = (self.get("/run/method")?, self.get("/run/router")?);
        let (first, count): (usize, usize) = (self.get("/first_slice")?, self.get("/totals/slices")?);
        let opened: Opening = self.get("/run/opened")?;
        let mut settings = SegmentArgs::of(stack);
        settings.slices = Some((Some(first), Some((first + count).saturating_sub(1))));
        settings.method =
            MethodArgs { router: Some(router), noise: self.get("/run/noise")?, method, ..settings.method };
        settings.opened = opened.into();
        settings.no_report = true;
        Ok(settings)
    }
}
