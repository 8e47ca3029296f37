//! What keeps files consistent after a change, so that it goes deeper than checksums.

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use std::io::{Read, Write};

/// What keeps a changed file consistent.
pub struct Repair;

impl Repair {
    /// The checksum of every chunk.
    pub fn png(bytes: &mut [u8]) {
        let mut at = 8;
        while let Some(head) = bytes.get(at..at + 4) {
            let len = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
            let Some(end) = at.checked_add(8 + len).filter(|end| end + 4 <= bytes.len()) else { return };
            let sum = crc32(&bytes[at + 4..end]).to_be_bytes();
            bytes[end..end + 4].copy_from_slice(&sum);
            at = end + 4;
        }
    }

    /// The hash of every file in a bundle's manifest.
    pub fn manifest(bytes: &mut Vec<u8>, hashes: &[(String, String)]) {
        let Ok(mut text) = String::from_utf8(std::mem::take(bytes)) else { return };
        for (name, hash) in hashes {
            let before = format!("\"{name}\",\"sha256\":\"");
            let Some(start) = text.find(&before).map(|at| at + before.len()) else { continue };
            if text.get(start..start + 64).is_some() {
                text.replace_range(start..start + 64, hash);
            }
        }
        *bytes = text.into_bytes();
    }

    pub fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    pub fn gunzip(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        MultiGzDecoder::new(bytes).read_to_end(&mut out).unwrap();
        out
    }
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |c: u32, b: &u8| {
        (0..8).fold(c ^ u32::from(*b), |c, _| if c & 1 == 1 { 0xedb8_8320 ^ (c >> 1) } else { c >> 1 })
    };
    !bytes.iter().fold(!0, step)
}
