//! Chunks from the disk, the last ones kept in memory.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::meta::{Array, Shard};
use crate::error::{Error, Result};

/// Bytes of unpacked chunks that are kept: slices next to each other come from the same ones.
const KEPT: usize = 512 << 20;
/// A packed chunk longer than what it unpacks to by more than this is damaged.
const OVERHEAD: u64 = 1 << 20;

/// A chunk's bytes; None where it holds the fill value alone.
type Chunk = Option<Arc<Vec<u8>>>;

/// A chunk's place and bytes.
type Kept = (Vec<u64>, Arc<Vec<u8>>);

/// An array's chunks.
pub(super) struct Store {
    array: Array,
    kept: Mutex<VecDeque<Kept>>,
}

impl Store {
    pub(super) fn new(array: Array) -> Self {
        Self { array, kept: Mutex::default() }
    }

    pub(super) fn array(&self) -> &Array {
        &self.array
    }

    /// Whether the file of the chunk at `place` exists.
    pub(super) fn exists(&self, place: &[u64]) -> bool {
        self.path(place).exists()
    }

    /// The unpacked chunk at `place` in the grid.
    pub(super) fn chunk(&self, place: &[u64]) -> Result<Chunk> {
        if let Ok(kept) = self.kept.lock()
            && let Some((_, chunk)) = kept.iter().find(|(at, _)| at == place)
        {
            return Ok(Some(chunk.clone()));
        }
        let path = self.path(place);
        let Some(packed) = self.packed(&path, place)? else { return Ok(None) };
        let chunk = Arc::new(self.unpack(&path, packed)?);
        if let Ok(mut kept) = self.kept.lock() {
            kept.push_back((place.to_vec(), chunk.clone()));
            while kept.len() > 1 && kept.len() * chunk.len() > KEPT {
                kept.pop_front();
            }
        }
        Ok(Some(chunk))
    }

    fn unpack(&self, path: &Path, mut bytes: Vec<u8>) -> Result<Vec<u8>> {
        let expected = self.array.chunk_bytes();
        let bad =
            |why: String| Error::bad(path, format!("this chunk is damaged ({why}); copy the folder again"));
        for codec in &self.array.codecs {
            // A codec within another may leave a little more than the voxels.
            bytes = codec.unpack(&bytes, expected + OVERHEAD as usize).map_err(bad)?;
        }
        if bytes.len() != expected {
            return Err(bad(format!("{} bytes instead of {expected}", bytes.len())));
        }
        Ok(bytes)
    }

    /// The file that holds the chunk at `place`.
    fn path(&self, place: &[u64]) -> PathBuf {
        let array = &self.array;
        let number = |(axis, c): (usize, &u64)| match &array.shard {
            Some(shard) => (c / shard.chunks[axis]).to_string(),
            None => c.to_string(),
        };
        let numbers: Vec<String> = place.iter().enumerate().map(number).collect();
        let mut name = String::from(array.prefix);
        if !name.is_empty() {
            name.push(array.separator);
        }
        array.dir.join(name + &numbers.join(&array.separator.to_string()))
    }

    /// The chunk's bytes as they lie on the disk; None where there are none.
    fn packed(&self, path: &Path, place: &[u64]) -> Result<Option<Vec<u8>>> {
        let io = |e| Error::io("cannot read", path, e);
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(io(e)),
        };
        let len = file.metadata().map_err(io)?.len();
        let (start, size) = match &self.array.shard {
            None => (0, len),
            Some(shard) => match locate(&mut file, len, shard, place).map_err(io)? {
                Some(found) => found,
                None => return Ok(None),
            },
        };
        let most = self.array.chunk_bytes() as u64 + OVERHEAD;
        if size > most || start.checked_add(size).is_none_or(|end| end > len) {
            return Err(Error::bad(path, "this chunk is too long to be one; copy the folder again"));
        }
        let mut bytes = vec![0; size as usize];
        file.seek(SeekFrom::Start(start)).map_err(io)?;
        file.read_exact(&mut bytes).map_err(io)?;
        Ok(Some(bytes))
    }
}

/// Where the chunk at `place` lies in its shard.
fn locate(file: &mut File, len: u64, shard: &Shard, place: &[u64]) -> std::io::Result<Option<(u64, u64)>> {
    let inner = place.iter().zip(&shard.chunks).fold(0, |index, (c, n)| index * n + c % n);
    let count: u64 = shard.chunks.iter().product();
    let index = if shard.index_first { 0 } else { len.saturating_sub(16 * count + shard.trailer) };
    let mut entry = [0; 16];
    file.seek(SeekFrom::Start(index + 16 * inner))?;
    file.read_exact(&mut entry)?;
    let (start, size) = entry.split_at(8);
    let number = |bytes: &[u8]| bytes.iter().rev().fold(0, |n, b| (n << 8) | u64::from(*b));
    let found = (number(start), number(size));
    Ok((found != (u64::MAX, u64::MAX)).then_some(found))
}
