//! What a training said while it ran, kept beside what it trains, so that a study that was interrupted still
//! shows the whole curve.

use super::{Context, Figure as Picture, Table};
use crate::error::Result;
use crate::event::{Figure, Progress};
use crate::export::report::svg::{Series, Words, standalone};
use crate::export::write_atomic;
use crate::train::{Material, Request, train_on};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Colours of the curves.
const COLOURS: [[u8; 3]; 8] = [
    [0, 114, 178],
    [213, 94, 0],
    [0, 158, 115],
    [204, 121, 167],
    [230, 159, 0],
    [86, 180, 233],
    [110, 110, 110],
    [0, 0, 0],
];

/// Looks of every stage: step, then IoU on held-out pieces.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Curves(BTreeMap<String, BTreeMap<usize, f64>>);

/// The curves of a training in progress.
pub(super) struct Diary {
    path: PathBuf,
    /// Stands before the name of each stage.
    whose: String,
    pub(super) curves: Curves,
}

impl Diary {
    /// Takes up the diary in `folder`; `whose` tells trainings apart that share it.
    pub(super) fn open(folder: &Path, whose: &str) -> Self {
        let path = folder.join("looks.json");
        let kept = std::fs::read(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        Self { path, whose: whose.to_owned(), curves: kept.unwrap_or_default() }
    }

    /// Trains and notes what is said meanwhile.
    ///
    /// # Errors
    /// As [`train_on`]; where the diary cannot be written.
    pub(super) fn train(
        &mut self,
        context: &mut Context<'_>,
        material: Material<'_>,
        request: &Request<'_>,
    ) -> Result<()> {
        let (compute, control) = (context.compute, context.control);
        self.listen(context, |hear| train_on(material, request, compute, control, hear).map(|_| ()))
    }

    /// Does work and notes what is said meanwhile.
    ///
    /// # Errors
    /// Where the work fails or the diary cannot be written.
    pub(super) fn listen(
        &mut self,
        context: &mut Context<'_>,
        work: impl FnOnce(&mut dyn FnMut(Progress)) -> Result<()>,
    ) -> Result<()> {
        let (mut noted, events) = (Ok(()), &mut *context.events);
        work(&mut |progress| {
            if noted.is_ok() {
                noted = self.hear(&progress);
            }
            events(progress);
        })?;
        noted
    }

    /// Notes a look at held-out pieces.
    ///
    /// # Errors
    /// Where the diary cannot be written.
    fn hear(&mut self, progress: &Progress) -> Result<()> {
        let Some((_, iou)) = progress.figures.iter().find(|(figure, _)| *figure == Figure::Iou) else {
            return Ok(());
        };
        let stage = format!("{}{}", self.whose, progress.what);
        self.curves.0.entry(stage).or_default().insert(progress.done, *iou);
        let bytes = serde_json::to_vec_pretty(&self.curves).unwrap_or_default();
        write_atomic(&self.path, &bytes, true)
    }
}

impl Curves {
    /// IoU on held-out pieces over the steps of every stage; none where nothing was looked at.
    pub(super) fn figure(&self, study: &str) -> Option<Picture> {
        let line = |(i, (name, looks)): (usize, (&String, &BTreeMap<usize, f64>))| Series {
            name: name.clone(),
            colour: COLOURS[i % COLOURS.len()],
            points: looks.iter().map(|(step, iou)| (*step as f64, *iou)).collect(),
            marks: false,
        };
        let series: Vec<Series> = self.0.iter().enumerate().map(line).collect();
        let words = Words { title: "IoU on held-out pieces while training", x: "steps", y: "IoU" };
        (!series.is_empty()).then(|| Picture {
            file: format!("{study}_training.svg"),
            caption: "IoU on a few held-out pieces while training".to_owned(),
            bytes: standalone(&words, &series, false).into_bytes(),
        })
    }

    /// Whether each curve had become flat: its change over the last quarter of the steps.
    pub(super) fn table(&self) -> Table {
        let line = |(name, looks): (&String, &BTreeMap<usize, f64>)| {
            let (steps, last) = looks.last_key_value().map_or((0, f64::NAN), |(s, i)| (*s, *i));
            let before = looks.range(..=steps * 3 / 4).next_back().map(|(_, iou)| last - iou);
            let change = before.map_or_else(|| "–".to_owned(), |b| format!("{b:+.4}"));
            vec![name.clone(), steps.to_string(), format!("{last:.4}"), change]
        };
        let columns = ["stage", "steps", "IoU on held-out pieces", "change over the last quarter"];
        Table::new("training", "How far the training had come", &columns, self.0.iter().map(line).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(what: &str, done: usize, iou: f64) -> Progress {
        Progress {
            what: what.to_owned(),
            done,
            total: 8,
            epoch: None,
            seconds_left: None,
            seconds_left_in_all: None,
            figures: vec![(Figure::Loss, 1.0), (Figure::Iou, iou)],
            picture: None,
            note: None,
        }
    }

    #[test]
    fn a_diary_goes_on_after_an_interruption_and_tells_how_flat_a_curve_is() {
        let folder = tempfile::tempdir().unwrap();
        let mut diary = Diary::open(folder.path(), "seed 1, ");
        for (step, iou) in [(2, 0.2), (4, 0.4), (6, 0.5)] {
            diary.hear(&look("f0", step, iou)).unwrap();
        }
        let mut later = Diary::open(folder.path(), "seed 1, ");
        later.hear(&look("f0", 6, 0.5)).unwrap();
        later.hear(&look("f0", 8, 0.51)).unwrap();
        let rows = later.curves.table().rows;
        assert_eq!(rows, [["seed 1, f0", "8", "0.5100", "+0.0100"].map(str::to_owned).to_vec()]);
        assert!(later.curves.figure("s").is_some() && Curves::default().figure("s").is_none());
    }
}
