//! The directories of a file, one after the other. Each names the place of the next, so that a file of thousands of pages
//! costs as many waits for the disk or the network; but pages of one size mostly lie at equal distances. Where they do,
//! those ahead are read at once, and used only where the chain really leads to them.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::thread;

use super::super::ifd::{Ifd, Source};
use crate::error::Result;

/// Threads that read ahead: they wait, mostly.
const READERS: usize = 16;
/// Directories walked one by one before any is read ahead: a short file costs little, and no threads.
const ALONE: usize = 64;
/// Directories read ahead the first time; each time after it is the double.
const FIRST: usize = 64;
/// And at most.
const MOST: usize = 4096;
/// Entries of a directory that is kept meanwhile.
const SMALL: usize = 64;
/// After so many times that the chain led elsewhere, nothing is read ahead any more.
const VAIN: usize = 3;

/// Walks the directories.
pub(super) struct Chain<'a> {
    path: &'a Path,
    source: &'a Source,
    next: u64,
    seen: HashSet<u64>,
    /// The last place and its distance from the one before.
    last: Option<(u64, u64)>,
    ahead: HashMap<u64, Ifd>,
    batch: usize,
    vain: usize,
}

impl<'a> Chain<'a> {
    /// From the first directory of the file at `path` on.
    pub(super) fn new(path: &'a Path, source: &'a Source) -> Self {
        let (seen, ahead) = (HashSet::new(), HashMap::new());
        Self { path, source, next: source.first, seen, last: None, ahead, batch: FIRST, vain: 0 }
    }

    fn walk(&mut self, offset: u64) -> Result<Ifd> {
        if !self.seen.insert(offset) {
            return Err(self.source.bad("its page directories form a loop: it is damaged; export it again"));
        }
        let (last, stride) = self.last.unwrap_or((offset, 0));
        let step = offset.saturating_sub(last);
        self.last = Some((offset, step));
        if let Some(ifd) = self.ahead.remove(&offset) {
            return Ok(ifd);
        }
        self.vain += usize::from(!self.ahead.is_empty());
        self.ahead.clear();
        let ifd = self.source.ifd(offset)?;
        let regular = step > 0 && step == stride && ifd.next == offset.saturating_add(step);
        if regular && self.vain < VAIN && self.seen.len() >= ALONE {
            self.look_ahead(offset, step);
        }
        Ok(ifd)
    }

    /// Reads the directories that lie at equal distances behind `offset`, if they do; what is none there is left out.
    fn look_ahead(&mut self, offset: u64, step: u64) {
        let ahead: Vec<u64> = (1..=self.batch as u64)
            .map_while(|k| offset.checked_add(k.checked_mul(step)?))
            .take_while(|at| *at < self.source.len)
            .collect();
        self.batch = (2 * self.batch).min(MOST);
        let read = |places: &[u64]| -> Vec<(u64, Ifd)> {
            let Ok(source) = Source::open(self.path) else { return Vec::new() };
            let small = |at: &u64| Some((*at, source.ifd(*at).ok().filter(|ifd| ifd.entries() <= SMALL)?));
            places.iter().filter_map(small).collect()
        };
        let share = ahead.len().div_ceil(READERS).max(1);
        self.ahead = thread::scope(|scope| {
            let read = &read;
            let begin = |places| thread::Builder::new().spawn_scoped(scope, move || read(places)).ok();
            let readers: Vec<_> = ahead.chunks(share).filter_map(begin).collect();
            readers.into_iter().filter_map(|reader| reader.join().ok()).flatten().collect()
        });
    }
}

impl Iterator for Chain<'_> {
    type Item = Result<(u64, Ifd)>;

    fn next(&mut self) -> Option<Self::Item> {
        let offset = std::mem::take(&mut self.next);
        let found = (offset != 0).then(|| self.walk(offset))?;
        Some(found.map(|ifd| {
            self.next = ifd.next;
            (offset, ifd)
        }))
    }
}
