//! Opens stacks and reads slices for display.

use super::study;
use super::train::preview;
use super::{Event, Opened, Outbox, Read};
use crate::window::about::Licences;
use crate::window::grey::Grey;
use crate::window::overview::fill;
use crate::window::project::{Held, Project, Relink};
use crate::window::truth::{Draft, MOST_VALUES};
use paser_core::error::{Error, Result};
use paser_core::export::write_atomic;
use paser_core::volume::{self, View, Volume, VolumeInfo};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::thread::Builder;

/// Slices of a label stack that are searched for its values.
const LOOKED_AT: usize = 7;

/// Serves wishes until the window is gone.
pub(super) fn work(wishes: &Receiver<Read>, out: &Outbox) {
    let (mut queue, mut held) = (VecDeque::new(), None);
    while let Some(wish) = next(wishes, &mut queue) {
        let alive = match wish {
            Read::Open(path, how) => {
                out.send(Event::Opened(open(path, how).map(Box::new).map_err(|e| e.to_string())))
            }
            Read::SaveProject { path, project } => {
                let saved = Held::change(&mut held, &path).and_then(|()| project.save(&path));
                out.send(Event::Saved(saved.map(|()| path).map_err(|e| e.to_string())))
            }
            Read::Project(path) => {
                let read = Project::load(&path).and_then(|p| Held::change(&mut held, &path).map(|()| p));
                let read = read.map(|project| Box::new(Relink::of(path, project)));
                out.send(Event::Project(read.map_err(|e| e.to_string())))
            }
            Read::Licences(path) => {
                out.send(Event::Licences(Licences::read(&path).map(Box::new).map_err(|e| e.to_string())))
            }
            Read::Keep(path, text) => {
                if let Err(e) = write_atomic(&path, text.as_bytes(), true) {
                    tracing::warn!("nothing is kept for a restart: {e}");
                }
                true
            }
            Read::SavePage { page, folder, replace } => {
                out.send(Event::PageWritten(study::write(&page, &folder, replace)))
            }
            Read::Overview { overview, volume } => {
                let out = out.clone();
                let work = move || fill(&overview, &volume, &*out.wake);
                let begun = Builder::new().name("paser-overview".to_owned()).spawn(work);
                begun.map_err(|e| tracing::error!("no thread for the cuts: {e}")).ok();
                true
            }
            Read::Pairs { data, version } => {
                let pairs = preview(&data, version).map(Box::new).map_err(|e| e.to_string());
                out.send(Event::Pairs(version, pairs))
            }
            Read::Truth { stack, path, like, classes, map } => {
                let draft = truth(path, &like, classes).map(Box::new).map_err(|e| e.to_string());
                out.send(Event::TruthOpened(stack, draft, map))
            }
            Read::TruthSlice { stack, volume, map, z } => {
                let slice = volume.read(z).map(|s| Arc::new(map.truth(&s.label_codes()).classes));
                out.send(Event::TruthSlice(stack, z, slice.map_err(|e| e.to_string())))
            }
            Read::Slice { stack, volume, z, ahead } => {
                serve(out, stack, &volume, z)
                    && ahead.into_iter().all(|z| waiting(wishes, &mut queue) || serve(out, stack, &volume, z))
            }
        };
        if !alive {
            return;
        }
    }
}

/// The wish to serve next: of slices only the newest, as the user has moved on from the others.
fn next(wishes: &Receiver<Read>, queue: &mut VecDeque<Read>) -> Option<Read> {
    if queue.is_empty() {
        queue.push_back(wishes.recv().ok()?);
    }
    waiting(wishes, queue);
    let superseded = |queue: &VecDeque<Read>| {
        matches!((queue.front(), queue.get(1)), (Some(Read::Slice { .. }), Some(Read::Slice { .. })))
    };
    while superseded(queue) {
        queue.pop_front();
    }
    queue.pop_front()
}

/// Takes in what has come; whether anything waits.
fn waiting(wishes: &Receiver<Read>, queue: &mut VecDeque<Read>) -> bool {
    loop {
        match wishes.try_recv() {
            Ok(wish) => queue.push_back(wish),
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => return !queue.is_empty(),
        }
    }
}

fn serve(out: &Outbox, stack: u64, volume: &Volume, z: usize) -> bool {
    let slice = volume.read(z).map(|s| Arc::new(Grey::of(&s))).map_err(|e| e.to_string());
    out.send(Event::Slice(stack, z, slice))
}

/// Opens a label stack for a stack like `like`; its values are those of a few slices.
fn truth(path: PathBuf, like: &VolumeInfo, classes: usize) -> Result<Draft> {
    let volume = volume::open(&path)?;
    let info = volume.info();
    let size = |i: &VolumeInfo| [i.slices, i.height, i.width];
    if size(info) != size(like) {
        return Err(Error::invalid(format!(
            "{} is {:?} (slices, height, width) and the stack is {:?}; labels must match it slice by slice",
            path.display(),
            size(info),
            size(like)
        )));
    }
    let count = info.slices.min(LOOKED_AT);
    let seen = (0..count).map(|i| volume.read(i * info.slices / count));
    let draft = Draft::new(path, volume.clone(), &seen.collect::<Result<Vec<_>>>()?, classes);
    match draft.values.len() {
        0 => Err(Error::bad(&draft.path, "it holds no whole numbers; labels are whole numbers or colours")),
        MOST_VALUES => Err(Error::bad(
            &draft.path,
            "it holds so many values that it is no label stack; choose the labels, not the grey values",
        )),
        _ => Ok(draft),
    }
}

fn open(path: PathBuf, how: View) -> Result<Opened> {
    let stored = volume::open(Path::new(&path))?;
    let file = stored.info().clone();
    let volume = how.of(stored, None)?;
    let info = volume.info().clone();
    let z = info.slices / 2;
    let first = Arc::new(Grey::of(&volume.read(z)?));
    let ends = first.ends(info.dtype);
    let window = first.histogram(ends).window();
    Ok(Opened { path, volume, info, file, how, z, first, ends, window })
}
