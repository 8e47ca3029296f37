//! MNIST's idx files, and digits as images with the noises of the paper.

use crate::data::dataset::Sample;
use crate::data::normalise::Prepared;
use crate::error::{Error, Result};
use crate::noise::Noise;
use flate2::read::GzDecoder;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

/// Edge of a digit, and of an image: zeros are added around it. The paper says 32x32 and not how.
const DIGIT: usize = 28;
const EDGE: usize = 32;
/// Grey values from here on are foreground. The paper does not say where it cuts.
pub(super) const FOREGROUND: u8 = 128;
/// The magic number of a file of images with unsigned bytes.
const IMAGES: u32 = 0x0803;

/// The three noises: f0's, f1's, f2's. The paper gives no size for the box and calls it the hardest of the three:
/// 9x9 is, 5x5 is not (see the study's table of open choices).
pub(super) const NOISES: [Noise; 3] =
    [Noise::GaussianBlur(1.0), Noise::GaussianBlur(2.0), Noise::BoxBlur(4.0)];

/// Digits as they were scanned, one after the other.
pub struct Digits(Vec<u8>);

impl Digits {
    /// Reads `name` (with or without ".gz") in `folder`.
    pub fn read(folder: &Path, name: &str) -> Result<Self> {
        let path = [folder.join(format!("{name}.gz")), folder.join(name)].into_iter().find(|p| p.exists());
        let path = path.ok_or_else(|| {
            Error::bad(
                folder,
                format!("{name}(.gz) of MNIST is not in it; name the folder of the four idx files"),
            )
        })?;
        let bytes = unpacked(&path)?;
        let number = |at: usize| bytes.get(at..at + 4).map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]));
        let head = [0, 4, 8, 12].map(|at| number(at).unwrap_or(0));
        let size = head[1] as usize * DIGIT * DIGIT;
        if head[0] != IMAGES || head[2..] != [DIGIT as u32; 2] || bytes.len() != 16 + size {
            return Err(Error::bad(
                &path,
                "it is no idx file of 28x28 digits, or not all of one; download it again",
            ));
        }
        Ok(Self(bytes[16..].to_vec()))
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.0.len() / (DIGIT * DIGIT)
    }

    /// Digit `i` with noise `n` of [`NOISES`], and which of its pixels are foreground without noise.
    pub fn sample(&self, i: usize, n: usize, seed: u64) -> Sample {
        self.look(i, NOISES[n], FOREGROUND, seed)
    }

    /// Digit `i` with `noise`; grey values from `foreground` on are foreground.
    pub(super) fn look(&self, i: usize, noise: Noise, foreground: u8, seed: u64) -> Sample {
        let digit = &self.0[i * DIGIT * DIGIT..][..DIGIT * DIGIT];
        let border = (EDGE - DIGIT) / 2;
        let mut clean = vec![0u8; EDGE * EDGE];
        for (y, row) in digit.chunks(DIGIT).enumerate() {
            clean[(y + border) * EDGE + border..][..DIGIT].copy_from_slice(row);
        }
        let plane = clean.iter().map(|v| f32::from(*v) / 255.0).collect();
        let mut image = Prepared { size: [EDGE, EDGE], planes: vec![plane], masked: Vec::new() };
        let name = format!("{i} {noise}");
        noise.apply(&mut image, seed, &name);
        let truth = clean.iter().map(|v| u8::from(*v >= foreground)).collect();
        Sample { name, hash: String::new(), image, truth }
    }
}

fn unpacked(path: &PathBuf) -> Result<Vec<u8>> {
    let io = |e| Error::io("cannot read", path, e);
    let file = BufReader::new(File::open(path).map_err(io)?);
    // the largest of the four files has 47 MB; what claims more is none of them
    let mut bytes = Vec::new();
    let most = 64 << 20;
    if path.extension().is_some_and(|e| e == "gz") {
        GzDecoder::new(file).take(most).read_to_end(&mut bytes).map_err(io)?;
    } else {
        file.take(most).read_to_end(&mut bytes).map_err(io)?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(count: u32, bytes: usize) -> Vec<u8> {
        let head = [IMAGES, count, 28, 28].into_iter().flat_map(u32::to_be_bytes);
        head.chain((0..bytes).map(|i| if i % 5 == 0 { 255 } else { 0 })).collect()
    }

    #[test]
    fn digits_are_padded_blurred_and_keep_their_clean_mask() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("d"), file(2, 2 * 784)).unwrap();
        let digits = Digits::read(folder.path(), "d").unwrap();
        assert_eq!(digits.count(), 2);
        let [a, b] = [0, 2].map(|n| digits.sample(1, n, 1));
        assert_eq!(a.truth, b.truth);
        assert_eq!(
            a.truth.iter().map(|t| usize::from(*t)).sum::<usize>(),
            (784..1568).filter(|i| i % 5 == 0).count()
        );
        assert_ne!(a.image, b.image);
        assert_eq!(a.truth[..2 * EDGE + 2], [0; 2 * EDGE + 2]);
    }

    #[test]
    fn what_is_no_file_of_digits_is_told_in_a_sentence() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Digits::read(folder.path(), "d").is_err());
        for bytes in [Vec::new(), file(3, 784), vec![0; 2000]] {
            std::fs::write(folder.path().join("d"), bytes).unwrap();
            assert!(Digits::read(folder.path(), "d").is_err());
        }
    }
}
