//! A volume seen otherwise: axes exchanged, then cropped, then binned; still slice by slice.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};

use super::{Dtype, MAX_PIXELS, Slice, SliceReader, Volume, VolumeInfo};
use crate::error::{Error, Result};

/// Bytes that exchanging axes may take where nothing else is said.
const MEMORY: usize = 512 << 20;

/// What is done to a volume before it is used, in this order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// The file's axes that become Z, Y, X.
    pub axes: Option<Axes>,
    /// Part of the volume that is kept.
    pub crop: Option<Crop>,
    /// Edge of the blocks of voxels that become one, their mean.
    pub bin: Option<usize>,
    /// The file's voxel size, where the file says nothing or the wrong thing.
    #[serde(default)]
    pub voxel: Option<Voxel>,
}

/// Edges of a voxel along the file's Z, Y, X.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Voxel {
    /// Z, Y, X.
    pub size: [f64; 3],
    /// Unit of length, as in "um".
    pub unit: String,
}

impl View {
    /// The volume so seen. `memory` bounds what exchanging axes takes, in bytes.
    ///
    /// # Errors
    /// Where the crop lies outside the volume or nothing is left of it.
    pub fn of(&self, mut volume: Volume, memory: Option<usize>) -> Result<Volume> {
        if let Some(voxel) = &self.voxel {
            volume = Arc::new(Calibrated::new(volume, voxel)?);
        }
        if let Some(axes) = self.axes.filter(|a| a.0 != [0, 1, 2]) {
            volume = Arc::new(Turned::new(volume, axes.0, memory.unwrap_or(MEMORY))?);
        }
        if let Some(crop) = &self.crop {
            volume = Arc::new(Cropped::new(volume, crop)?);
        }
        if let Some(bin) = self.bin.filter(|n| *n != 1) {
            volume = Arc::new(Binned::new(volume, bin)?);
        }
        Ok(volume)
    }
}

/// The file's axes (0: Z, 1: Y, 2: X) that become Z, Y, X. As text: `YZX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "[usize; 3]")]
pub struct Axes(pub [usize; 3]);

impl TryFrom<[usize; 3]> for Axes {
    type Error = Error;

    fn try_from(axes: [usize; 3]) -> Result<Self> {
        match (0..3).all(|a| axes.contains(&a)) {
            true => Ok(Self(axes)),
            false => {
                Err(Error::invalid(format!("{axes:?} is no order of axes; 0, 1 and 2 must each occur once")))
            }
        }
    }
}

impl FromStr for Axes {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let axes: Vec<usize> = text.chars().filter_map(|c| "ZYX".find(c.to_ascii_uppercase())).collect();
        let all = (0..3).all(|a| axes.contains(&a));
        <[usize; 3]>::try_from(axes).ok().filter(|_| all && text.len() == 3).map(Self).ok_or_else(|| {
            Error::invalid(format!(
                "\"{text}\" is no order of axes; write Z, Y and X in the order wanted, as in YZX"
            ))
        })
    }
}

/// First voxel and the one after the last along Z, Y, X; an open end is the volume's. As text, counted
/// from 1 with both ends included: `11:20,:,101:`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crop(pub [(usize, Option<usize>); 3]);

impl fmt::Display for Crop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (first, last)) in self.0.iter().enumerate() {
            let comma = if i > 0 { "," } else { "" };
            let first = if *first == 0 { String::new() } else { (first + 1).to_string() };
            let last = last.map_or_else(String::new, |l| l.to_string());
            write!(f, "{comma}{first}:{last}")?;
        }
        Ok(())
    }
}

impl FromStr for Crop {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || {
            Error::invalid(format!(
                "\"{text}\" is no crop; write first:last along Z,Y,X, counted from 1, as in 11:20,:,101:"
            ))
        };
        let range = |part: &str| {
            let (a, b) = part.trim().split_once(':')?;
            let end = |t: &str| t.parse::<usize>().ok().filter(|n| *n > 0);
            let first = if a.is_empty() { 1 } else { end(a)? };
            let last = if b.is_empty() { None } else { Some(end(b)?) };
            Some((first - 1, last))
        };
        let ranges: Option<Vec<_>> = text.split(',').map(range).collect();
        <[_; 3]>::try_from(ranges.ok_or_else(wrong)?).map(Self).map_err(|_| wrong())
    }
}

/// The info of `shape` with voxels of `size`.
fn info(shape: [usize; 3], dtype: Dtype, size: Option<[f64; 3]>, unit: Option<&String>) -> VolumeInfo {
    let mut info = VolumeInfo::new(shape, dtype);
    (info.voxel_size, info.unit) = (size, unit.cloned());
    info
}

fn shape(info: &VolumeInfo) -> [usize; 3] {
    [info.slices, info.height, info.width]
}

struct Calibrated {
    inner: Volume,
    info: VolumeInfo,
}

impl Calibrated {
    fn new(inner: Volume, voxel: &Voxel) -> Result<Self> {
        if voxel.size.iter().any(|edge| !edge.is_finite() || *edge <= 0.0) || voxel.unit.trim().is_empty() {
            return Err(Error::invalid(
                "a voxel size is three lengths above 0 along Z, Y, X and a unit, as in 0.32, 0.32, 0.32 um",
            ));
        }
        let known = (Some(voxel.size), Some(voxel.unit.trim().to_owned()));
        let mut info = inner.info().clone();
        (info.voxel_size, info.unit) = known;
        Ok(Self { inner, info })
    }
}

impl SliceReader for Calibrated {
    fn info(&self) -> &VolumeInfo {
        &self.info
    }

    fn read(&self, z: usize) -> Result<Slice> {
        self.inner.read(z)
    }
}

struct Cropped {
    inner: Volume,
    ranges: [Range<usize>; 3],
    info: VolumeInfo,
}

impl Cropped {
    fn new(inner: Volume, crop: &Crop) -> Result<Self> {
        let whole = inner.info();
        let ranges = [0, 1, 2].map(|a| crop.0[a].0..crop.0[a].1.unwrap_or(shape(whole)[a]));
        if let Some(a) = (0..3).find(|a| ranges[*a].is_empty() || ranges[*a].end > shape(whole)[*a]) {
            return Err(Error::invalid(format!(
                "the crop asks for {} to {} along {}, where the stack has {}",
                ranges[a].start + 1,
                ranges[a].end,
                ["Z", "Y", "X"][a],
                shape(whole)[a]
            )));
        }
        let kept = ranges.clone().map(|r| r.len());
        let info = info(kept, whole.dtype, whole.voxel_size, whole.unit.as_ref());
        Ok(Self { inner, ranges, info })
    }
}

impl SliceReader for Cropped {
    fn info(&self) -> &VolumeInfo {
        &self.info
    }

    fn read(&self, z: usize) -> Result<Slice> {
        self.info.check_slice(z)?;
        let [zs, ys, xs] = &self.ranges;
        let slice = self.inner.read(zs.start + z)?;
        let n = slice.channels;
        let rows = slice.values.chunks_exact(slice.width * n).skip(ys.start).take(ys.len());
        let values = rows.flat_map(|row| &row[xs.start * n..xs.end * n]).copied().collect();
        Ok(Slice { height: ys.len(), width: xs.len(), channels: n, values })
    }
}

struct Binned {
    inner: Volume,
    bin: usize,
    info: VolumeInfo,
}

impl Binned {
    fn new(inner: Volume, bin: usize) -> Result<Self> {
        let whole = inner.info();
        let shape = shape(whole).map(|n| n.checked_div(bin).unwrap_or(0));
        if shape.contains(&0) {
            return Err(Error::invalid(format!("nothing is left of the stack after binning by {bin}")));
        }
        if whole.dtype == Dtype::Rgb8 {
            return Err(Error::invalid("colour stacks are not binned; convert them to grey first"));
        }
        let size = whole.voxel_size.map(|size| size.map(|d| d * bin as f64));
        let info = info(shape, Dtype::F32, size, whole.unit.as_ref());
        Ok(Self { inner, bin, info })
    }
}

impl SliceReader for Binned {
    fn info(&self) -> &VolumeInfo {
        &self.info
    }

    fn read(&self, z: usize) -> Result<Slice> {
        self.info.check_slice(z)?;
        let VolumeInfo { height, width, .. } = self.info;
        let mut values = vec![0.0; height * width];
        for inner in z * self.bin..(z + 1) * self.bin {
            let slice = self.inner.read(inner)?;
            let rows = slice.values.chunks_exact(slice.width).take(height * self.bin).enumerate();
            for (y, row) in rows {
                let out = &mut values[y / self.bin * width..][..width];
                let blocks = out.iter_mut().zip(row.chunks_exact(self.bin));
                blocks.for_each(|(mean, block)| *mean += block.iter().sum::<f32>());
            }
        }
        let count = self.bin.pow(3) as f32;
        values.iter_mut().for_each(|v| *v /= count);
        Ok(Slice { height, width, channels: 1, values })
    }
}

/// A volume with its axes exchanged. Slices across the file's own are made many at a time, since each
/// takes a pass over the whole file.
struct Turned {
    inner: Volume,
    axes: [usize; 3],
    info: VolumeInfo,
    /// Slices made in one pass.
    block: usize,
    /// First slice of the block in memory, and its values.
    made: Mutex<Option<(usize, Vec<f32>)>>,
}

impl Turned {
    fn new(inner: Volume, axes: [usize; 3], memory: usize) -> Result<Self> {
        let whole = inner.info();
        if whole.dtype == Dtype::Rgb8 {
            return Err(Error::invalid(
                "axes of colour stacks are not exchanged; convert them to grey first",
            ));
        }
        let turned = axes.map(|a| shape(whole)[a]);
        if turned[1] as u64 * turned[2] as u64 > MAX_PIXELS {
            return Err(Error::invalid(format!(
                "its slices would have {} x {} pixels, and {MAX_PIXELS} are the most; crop it, or leave the axes",
                turned[2], turned[1]
            )));
        }
        let size = whole.voxel_size.map(|size| axes.map(|a| size[a]));
        let info = info(turned, whole.dtype, size, whole.unit.as_ref());
        let block = (memory / (4 * info.height * info.width)).clamp(1, info.slices);
        Ok(Self { inner, axes, info, block, made: Mutex::default() })
    }

    /// The values of the slices from `first` on.
    fn make(&self, first: usize) -> Result<Vec<f32>> {
        let count = self.block.min(self.info.slices - first);
        let ours = shape(&self.info);
        let mut values = vec![0.0; count * ours[1] * ours[2]];
        let strides = [ours[1] * ours[2], ours[2], 1];
        // Step in our order for a step along each of the file's axes.
        let mut step = [0; 3];
        (0..3).for_each(|a| step[self.axes[a]] = strides[a]);
        let mut ranges = shape(self.inner.info()).map(|n| 0..n);
        ranges[self.axes[0]] = first..first + count;
        let base = first * strides[0];
        for z in ranges[0].clone() {
            let slice = self.inner.read(z)?;
            for y in ranges[1].clone() {
                for x in ranges[2].clone() {
                    values[z * step[0] + y * step[1] + x * step[2] - base] =
                        slice.values[y * slice.width + x];
                }
            }
        }
        Ok(values)
    }
}

impl SliceReader for Turned {
    fn info(&self) -> &VolumeInfo {
        &self.info
    }

    fn read(&self, z: usize) -> Result<Slice> {
        self.info.check_slice(z)?;
        let VolumeInfo { height, width, .. } = self.info;
        let first = z / self.block * self.block;
        let mut made =
            self.made.lock().map_err(|_| Error::invalid("reading the stack failed; open it again"))?;
        if made.as_ref().is_none_or(|(at, _)| *at != first) {
            *made = None; // the old block goes before the new one comes
            *made = Some((first, self.make(first)?));
        }
        let start = (z - first) * height * width;
        let values =
            made.as_ref().map(|(_, all)| all[start..start + height * width].to_vec()).unwrap_or_default();
        Ok(Slice { height, width, channels: 1, values })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::{StackMeta, StackWriter};

    /// 4 x 6 x 5 voxels with the value 100 z + 10 y + x.
    fn volume() -> Volume {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.tif");
        let meta = StackMeta {
            voxel_size: Some([3.0, 2.0, 1.0]),
            unit: Some("um".to_owned()),
            ..StackMeta::default()
        };
        let mut writer = StackWriter::create(&path, [4, 6, 5], Dtype::U16, &meta, false).unwrap();
        for z in 0..4 {
            let values: Vec<u16> = (0..30).map(|i| 100 * z + 10 * (i / 5) + i % 5).collect();
            writer.push_u16(&values).unwrap();
        }
        writer.finish().unwrap();
        let whole = super::super::open(&path).unwrap();
        // Read once, so that the file may go.
        Arc::new(Memory {
            info: whole.info().clone(),
            slices: (0..4).map(|z| whole.read(z).unwrap()).collect(),
        })
    }

    struct Memory {
        info: VolumeInfo,
        slices: Vec<Slice>,
    }

    impl SliceReader for Memory {
        fn info(&self) -> &VolumeInfo {
            &self.info
        }

        fn read(&self, z: usize) -> Result<Slice> {
            Ok(self.slices[z].clone())
        }
    }

    fn view(axes: Option<&str>, crop: Option<&str>, bin: Option<usize>) -> View {
        View {
            axes: axes.map(|a| a.parse().unwrap()),
            crop: crop.map(|c| c.parse().unwrap()),
            bin,
            voxel: None,
        }
    }

    #[test]
    fn axes_are_exchanged_whatever_the_memory() {
        for memory in [1, 200, 1 << 20] {
            let turned = view(Some("XZY"), None, None).of(volume(), Some(memory)).unwrap();
            assert_eq!((shape(turned.info()), turned.info().voxel_size), ([5, 4, 6], Some([1.0, 3.0, 2.0])));
            for x in [0, 4, 2] {
                let expected: Vec<f32> = (0..24).map(|i| (100 * (i / 6) + 10 * (i % 6) + x) as f32).collect();
                assert_eq!(turned.read(x).unwrap().values, expected);
            }
            assert!(turned.read(5).is_err());
        }
    }

    #[test]
    fn a_crop_counts_from_one() {
        let cropped = view(None, Some("2:3,:,4:"), None).of(volume(), None).unwrap();
        assert_eq!(shape(cropped.info()), [2, 6, 2]);
        assert_eq!(cropped.read(1).unwrap().values[..4], [203.0, 204.0, 213.0, 214.0]);
        assert!(cropped.read(2).is_err());
        for wrong in ["5:5,:,:", "3:2,:,:", ":,:,:6"] {
            assert!(view(None, Some(wrong), None).of(volume(), None).is_err(), "{wrong}");
        }
        for text in ["", "1:2", "0:2,:,:", "a:b,:,:", "1:2,:,:,:"] {
            assert!(text.parse::<Crop>().is_err(), "{text}");
        }
    }

    #[test]
    fn bins_are_means() {
        let binned = view(Some("ZYX"), None, Some(2)).of(volume(), None).unwrap();
        assert_eq!((shape(binned.info()), binned.info().voxel_size), ([2, 3, 2], Some([6.0, 4.0, 2.0])));
        assert_eq!(binned.read(1).unwrap().values, [255.5, 257.5, 275.5, 277.5, 295.5, 297.5]);
        assert!(view(None, None, Some(5)).of(volume(), None).is_err());
        assert!(view(None, None, Some(0)).of(volume(), None).is_err());
    }

    #[test]
    fn orders_of_axes_are_read() {
        assert_eq!("yzx".parse::<Axes>().unwrap(), Axes([1, 0, 2]));
        for text in ["", "zy", "zzx", "zyxx", "abc"] {
            assert!(text.parse::<Axes>().is_err(), "{text}");
        }
    }
}
