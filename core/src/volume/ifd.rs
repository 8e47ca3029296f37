//! Reading TIFF headers and directories with every offset checked against the file's length.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use tiff::tags::Tag;

use crate::error::{Error, Result};

/// Directories hold about 15 entries; far more means that the offset led to something else.
const MAX_ENTRIES: u64 = 4096;
/// One read of this many bytes covers nearly every directory.
const TYPICAL_IFD_BYTES: u64 = 1024;
/// A description longer than this is never ImageJ's, so the rest need not be read.
const MAX_TEXT_BYTES: u64 = 1 << 16;

/// Byte order of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Little,
    Big,
}

impl Order {
    /// This machine's order.
    pub(super) const NATIVE: Self = if cfg!(target_endian = "big") { Self::Big } else { Self::Little };

    /// The unsigned number in up to 8 bytes.
    fn uint(self, bytes: &[u8]) -> u64 {
        let push = |value: u64, byte: &u8| (value << 8) | u64::from(*byte);
        match self {
            Self::Little => bytes.iter().rev().fold(0, push),
            Self::Big => bytes.iter().fold(0, push),
        }
    }
}

/// One directory entry; `raw` is its value or the offset of it.
struct Entry {
    kind: u16,
    count: u64,
    raw: [u8; 8],
}

impl Entry {
    /// Bytes of one value of this entry's type, 0 for types that no known tag has.
    fn width(&self) -> u64 {
        match self.kind {
            1 | 2 | 6 | 7 => 1,
            3 | 8 => 2,
            4 | 9 | 11 | 13 => 4,
            5 | 10 | 12 | 16..=18 => 8,
            _ => 0,
        }
    }
}

/// One image file directory.
pub(super) struct Ifd {
    entries: BTreeMap<u16, Entry>,
    /// Offset of the next directory, 0 after the last.
    pub(super) next: u64,
}

impl Ifd {
    /// Number of its entries.
    pub(super) fn entries(&self) -> usize {
        self.entries.len()
    }

    /// Whether the tag is there.
    pub(super) fn has(&self, tag: Tag) -> bool {
        self.entries.contains_key(&tag.to_u16())
    }
}

/// An open TIFF file whose header has been read. It has its own file position: one per thread.
pub(super) struct Source {
    path: PathBuf,
    file: File,
    /// Length of the file in bytes.
    pub(super) len: u64,
    /// Byte order of numbers and pixels.
    pub(super) order: Order,
    /// Offset of the first directory.
    pub(super) first: u64,
    big: bool,
}

impl Source {
    /// Opens `path` and reads its header.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let io = |e| Error::io("cannot read", path, e);
        let file = File::open(path).map_err(io)?;
        let len = file.metadata().map_err(io)?.len();
        let mut source =
            Self { path: path.to_owned(), file, len, order: Order::Little, first: 0, big: false };
        source.read_header()?;
        Ok(source)
    }

    fn read_header(&mut self) -> Result<()> {
        let head = self.read_at(0, 16.min(self.len))?;
        self.order = match head.get(..2) {
            Some(b"II") => Order::Little,
            Some(b"MM") => Order::Big,
            _ => return Err(self.bad("it is not a TIFF file; export the stack as TIFF")),
        };
        let field = |range| head.get(range).map(|bytes| self.order.uint(bytes));
        (self.big, self.first) = match (field(2..4), field(4..8), field(8..16)) {
            (Some(42), Some(first), _) => (false, first),
            (Some(43), Some(_), Some(first)) if field(4..6) == Some(8) => (true, first),
            _ => return Err(self.bad("its TIFF header is damaged or cut short; copy the file again")),
        };
        Ok(())
    }

    /// An [`Error::BadFile`] for this file.
    pub(super) fn bad(&self, why: impl Into<String>) -> Error {
        Error::bad(&self.path, why)
    }

    /// The `len` bytes at `offset`; a range past the end is an error before anything is allocated.
    pub(super) fn read_at(&self, offset: u64, len: u64) -> Result<Vec<u8>> {
        if offset.checked_add(len).is_none_or(|end| end > self.len) {
            let have = self.len;
            return Err(self.bad(format!(
                "it is incomplete: {len} bytes are announced at position {offset}, but the file ends at {have}; \
                 copy or export it again"
            )));
        }
        let size = usize::try_from(len).map_err(|_| self.bad("it is too large for this machine"))?;
        let mut bytes = vec![0; size];
        let mut file = &self.file;
        file.seek(SeekFrom::Start(offset))
            .and_then(|_| file.read_exact(&mut bytes))
            .map_err(|e| Error::io("cannot read", &self.path, e))?;
        Ok(bytes)
    }

    /// The directory at `offset`.
    pub(super) fn ifd(&self, offset: u64) -> Result<Ifd> {
        let (count_bytes, entry_bytes, word) = if self.big { (8, 20, 8) } else { (2, 12, 4) };
        let rest = self.len.saturating_sub(offset);
        if rest < count_bytes {
            return Err(
                self.bad("a page directory lies past its end: it is incomplete; copy or export it again")
            );
        }
        let mut block = self.read_at(offset, TYPICAL_IFD_BYTES.min(rest))?;
        let count = self.order.uint(&block[..count_bytes as usize]);
        if count == 0 || count > MAX_ENTRIES {
            return Err(
                self.bad(format!("a page directory claims {count} entries: it is damaged; export it again"))
            );
        }
        let size = count_bytes + count * entry_bytes + word;
        if size > block.len() as u64 {
            block = self.read_at(offset, size)?;
        }
        let (entries, next) =
            block[count_bytes as usize..size as usize].split_at((count * entry_bytes) as usize);
        let entries = entries.chunks_exact(entry_bytes as usize).map(|e| self.entry(e)).collect();
        Ok(Ifd { entries, next: self.order.uint(next) })
    }

    /// One entry of 12 bytes (20 in BigTIFF) with its tag.
    fn entry(&self, bytes: &[u8]) -> (u16, Entry) {
        let (head, value) = bytes.split_at(if self.big { 12 } else { 8 });
        let mut raw = [0; 8];
        raw[..value.len()].copy_from_slice(value);
        let uint16 = |bytes| self.order.uint(bytes) as u16;
        let count = self.order.uint(&head[4..]);
        (uint16(&head[..2]), Entry { kind: uint16(&head[2..4]), count, raw })
    }

    /// The bytes of the first `count` values of an entry.
    fn field(&self, entry: &Entry, count: u64) -> Result<Vec<u8>> {
        let inline = if self.big { 8 } else { 4 };
        let bytes_of = |count: u64| entry.width().checked_mul(count);
        match (bytes_of(entry.count), bytes_of(count)) {
            (Some(all), Some(wanted)) if all <= inline => Ok(entry.raw[..wanted.min(all) as usize].to_vec()),
            (Some(_), Some(wanted)) => self.read_at(self.order.uint(&entry.raw[..inline as usize]), wanted),
            _ => Err(self.bad("a tag claims an impossible length: it is damaged; export it again")),
        }
    }

    /// Exactly `count` unsigned numbers of `tag`; None where the tag is absent.
    pub(super) fn uints(&self, ifd: &Ifd, tag: Tag, count: u64) -> Result<Option<Vec<u64>>> {
        let Some(entry) = ifd.entries.get(&tag.to_u16()) else { return Ok(None) };
        if entry.count < count || !matches!(entry.kind, 1 | 3 | 4 | 13 | 16 | 18) {
            let have = entry.count;
            return Err(self.bad(format!(
                "its tag {tag:?} holds {have} values where {count} numbers are needed: it is damaged; export it again"
            )));
        }
        let bytes = self.field(entry, count)?;
        Ok(Some(bytes.chunks_exact(entry.width() as usize).map(|v| self.order.uint(v)).collect()))
    }

    /// The first number of `tag`, or `default` where the tag is absent.
    pub(super) fn uint(&self, ifd: &Ifd, tag: Tag, default: u64) -> Result<u64> {
        Ok(self.uints(ifd, tag, 1)?.and_then(|v| v.first().copied()).unwrap_or(default))
    }

    /// The text of `tag` (UTF-8, else Latin-1, which old ImageJ files use for µ).
    pub(super) fn text(&self, ifd: &Ifd, tag: Tag) -> Result<Option<String>> {
        let Some(entry) = ifd.entries.get(&tag.to_u16()).filter(|e| e.kind == 2) else { return Ok(None) };
        let mut bytes = self.field(entry, entry.count.min(MAX_TEXT_BYTES))?;
        bytes.truncate(bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len()));
        Ok(Some(match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(e) => e.as_bytes().iter().map(|b| char::from(*b)).collect(),
        }))
    }

    /// The rational of `tag` as (numerator, denominator).
    pub(super) fn rational(&self, ifd: &Ifd, tag: Tag) -> Result<Option<(u64, u64)>> {
        let Some(entry) = ifd.entries.get(&tag.to_u16()).filter(|e| e.kind == 5 && e.count > 0) else {
            return Ok(None);
        };
        let bytes = self.field(entry, 1)?;
        let (numerator, denominator) = bytes.split_at(4);
        Ok(Some((self.order.uint(numerator), self.order.uint(denominator))))
    }
}
