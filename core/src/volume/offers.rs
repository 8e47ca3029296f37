//! What a file leaves open, so that somebody has to say it: which of its data sets, channels and times, or what it
//! holds where it has no header.

use std::path::Path;

use super::raw::RawSpec;
use super::sample::Sample;
use super::several::STACKS;
use super::sniff::{Format, sniff};
use super::{Parts, file_name, hdf5, tiff, zarr};

/// One volume of a file that may hold several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatasetInfo {
    /// Its path within the file; empty where the file holds no others.
    pub name: String,
    /// Entries along each of its axes.
    pub shape: Vec<u64>,
    /// Type of its values, as in "u16".
    pub dtype: String,
}

/// What there is to choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Offer {
    /// One of these volumes, each with its channels and times.
    Volumes(Vec<(DatasetInfo, Parts)>),
    /// What a file of so many bytes without a header holds.
    Raw(u64),
}

/// What is to be chosen of the file at `path`; None where its header leaves nothing open, or it cannot be read.
pub fn offer(path: &Path) -> Option<Offer> {
    let several = |parts: Parts| {
        let whole = DatasetInfo { name: String::new(), shape: Vec::new(), dtype: String::new() };
        (parts.channels > 1 || parts.times > 1).then(|| Offer::Volumes(vec![(whole, parts)]))
    };
    if path.is_dir() {
        return zarr::ZarrVolume::parts(path).ok().and_then(several);
    }
    match sniff(path) {
        Ok(Format::Hdf5) => hdf5::datasets(path).ok().filter(|all| !all.is_empty()).map(Offer::Volumes),
        Ok(Format::Tiff) => tiff::TiffStack::parts(path).ok().flatten().and_then(several),
        Err(_) if has_header(path) => None,
        Ok(Format::Raw { .. }) | Err(_) => {
            let bytes = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?.len();
            (bytes > 0).then_some(Offer::Raw(bytes))
        }
        Ok(_) => None,
    }
}

/// Whether a file's name says that it has a header, so that one without is damaged.
fn has_header(path: &Path) -> bool {
    let known = |ext: &std::ffi::OsStr| STACKS.iter().chain(&["png"]).any(|k| ext.eq_ignore_ascii_case(k));
    path.extension().is_some_and(known)
}

/// Types of values that raw files are guessed to hold, the likeliest first.
const TYPES: [&str; 3] = ["u16", "u8", "f32"];
/// Edges that detectors have.
const EDGES: [u64; 10] = [512, 1024, 2048, 256, 1000, 500, 2000, 400, 800, 4096];
/// Slices of a guess, at least and at most.
const SLICES: std::ops::RangeInclusive<u64> = 8..=20_000;
/// Guesses that are offered.
const GUESSES: usize = 4;

/// What the raw file `path` of `bytes` bytes may hold, the likeliest first: the size that its name states
/// (`scan_512x512x300.raw`: columns, rows, slices), a cube, square slices of usual edges. Every guess fits its length.
pub fn guesses(path: &Path, bytes: u64) -> Vec<RawSpec> {
    let mut found: Vec<RawSpec> = Vec::new();
    let mut add = |shape: [u64; 3], dtype: &str, header: u64| {
        let known = found.iter().any(|g| (g.shape, g.dtype.as_str()) == (shape, dtype));
        if !known && found.len() < GUESSES {
            let (dtype, big_endian, voxel_size, unit) = (dtype.to_owned(), false, None, None);
            found.push(RawSpec { shape, dtype, big_endian, header, voxel_size, unit });
        }
    };
    let size = |dtype: &str| Sample::named(dtype).map_or(1, Sample::bytes) as u64;
    if let Some([x, y, z]) = stated(&file_name(path)) {
        for dtype in TYPES {
            let voxels = x.saturating_mul(y).saturating_mul(z).saturating_mul(size(dtype));
            if let Some(header) = bytes.checked_sub(voxels).filter(|h| voxels > 0 && *h <= 4096) {
                add([z, y, x], dtype, header);
            }
        }
    }
    for dtype in TYPES.into_iter().filter(|dtype| bytes.is_multiple_of(size(dtype))) {
        let voxels = bytes / size(dtype);
        let edge = (voxels as f64).cbrt().round() as u64;
        if edge > 8 && edge.checked_pow(3) == Some(voxels) {
            add([edge; 3], dtype, 0);
        }
    }
    for edge in EDGES {
        for dtype in TYPES {
            let plane = edge * edge * size(dtype);
            if bytes.is_multiple_of(plane) && SLICES.contains(&(bytes / plane)) {
                add([bytes / plane, edge, edge], dtype, 0);
            }
        }
    }
    found
}

/// Three numbers joined by x in a name.
fn stated(name: &str) -> Option<[u64; 3]> {
    let edge = |c: char| !c.is_ascii_digit() && !c.eq_ignore_ascii_case(&'x');
    name.split(edge).find_map(|part| {
        let numbers: Vec<u64> = part.split(['x', 'X']).filter_map(|n| n.parse().ok()).collect();
        <[u64; 3]>::try_from(numbers).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(guesses: &[RawSpec]) -> Vec<String> {
        let one = |g: &RawSpec| format!("{:?} {} {}", g.shape, g.dtype, g.header);
        guesses.iter().map(one).collect()
    }

    #[test]
    fn guesses_fit_the_length() {
        let named = guesses(Path::new("scan_512x400x300_v2.raw"), 512 * 400 * 300 * 2 + 348);
        assert_eq!(text(&named)[0], "[300, 400, 512] u16 348");
        let cube = guesses(Path::new("a.raw"), 256 * 256 * 256);
        assert!(text(&cube).contains(&"[256, 256, 256] u8 0".to_owned()), "{cube:?}");
        let square = guesses(Path::new("a.raw"), 1024 * 1024 * 37 * 2);
        assert!(text(&square).contains(&"[37, 1024, 1024] u16 0".to_owned()), "{square:?}");
        assert!(guesses(Path::new("a.raw"), 1_000_003).is_empty());
        for (name, bytes) in [("9999999999x9999999999x9999999999.raw", 7), ("0x0x0.raw", 1), ("xxx.raw", 0)] {
            assert!(guesses(Path::new(name), bytes).is_empty(), "{name}");
        }
    }

    #[test]
    fn files_without_a_header_and_folders() {
        let folder = tempfile::tempdir().unwrap();
        let raw = folder.path().join("a.raw");
        std::fs::write(&raw, [1; 100]).unwrap();
        assert_eq!(offer(&raw), Some(Offer::Raw(100)));
        assert_eq!(offer(folder.path()), None);
        assert_eq!(offer(&folder.path().join("none")), None);
        let damaged = folder.path().join("a.tif");
        std::fs::copy(&raw, &damaged).unwrap();
        assert_eq!(offer(&damaged), None, "a TIFF without a header is damaged");
        std::fs::write(&raw, b"").unwrap();
        assert_eq!(offer(&raw), None, "an empty file holds nothing to describe");
    }
}
