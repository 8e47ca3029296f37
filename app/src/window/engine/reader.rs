//! Opens stacks and reads slices for display.

use super::{Event, Opened, Outbox, Read};
use crate::window::grey::Grey;
use paser_core::error::Result;
use paser_core::volume::{self, Volume};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};

/// Serves wishes until the window is gone.
pub(super) fn work(wishes: &Receiver<Read>, out: &Outbox) {
    let mut queue = VecDeque::new();
    while let Some(wish) = next(wishes, &mut queue) {
        let alive = match wish {
            Read::Open(path) => out.send(Event::Opened(open(path).map(Box::new).map_err(|e| e.to_string()))),
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

fn open(path: PathBuf) -> Result<Opened> {
    let volume = volume::open(Path::new(&path))?;
    let info = volume.info().clone();
    let z = info.slices / 2;
    let first = Arc::new(Grey::of(&volume.read(z)?));
    let ends = first.ends(info.dtype);
    let window = first.histogram(ends).window();
    Ok(Opened { path, volume, info, z, first, ends, window })
}
