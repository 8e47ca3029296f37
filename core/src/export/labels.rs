//! Labels in further formats beside the run's TIFF, each written slice by slice.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde_json::json;

use super::zarr::ZarrLabels;
use super::{AtomicFile, StackMeta, StackWriter, check_free, write_atomic};
use crate::data::classes::Class;
use crate::error::{Error, Result};
use crate::volume::Dtype;

/// A format of labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelFormat {
    /// NRRD with attached header.
    Nrrd,
    /// OME-Zarr 0.4 with image-label colours and names.
    OmeZarr,
    /// Voxels alone, with a JSON file that describes them.
    Raw,
    /// One TIFF of 0 and 1 for each class, as TauFactor reads them.
    Phases,
    /// One TIFF of each class's probability in 255ths.
    Probabilities,
    /// One TIFF of each class's probability, 32-bit float.
    ProbabilitiesFloat,
}

impl LabelFormat {
    /// The files and folders that it makes, whose names begin with `stem`.
    pub(super) fn paths(self, stem: &Path, classes: &[Class]) -> Vec<PathBuf> {
        let each = |what: &str| (1..).zip(classes).map(|(i, c)| class_path(stem, what, i, c)).collect();
        match self {
            Self::Nrrd => vec![ending(stem, "_labels.nrrd")],
            Self::Raw => vec![ending(stem, "_labels.raw"), ending(stem, "_labels.raw.json")],
            Self::OmeZarr => vec![ending(stem, "_labels.ome.zarr")],
            Self::Phases => each("phase"),
            Self::Probabilities => each("probability"),
            Self::ProbabilitiesFloat => each("probability_float"),
        }
    }

    /// Whether it needs the nets' probabilities.
    pub fn needs_probabilities(self) -> bool {
        matches!(self, Self::Probabilities | Self::ProbabilitiesFloat)
    }
}

impl FromStr for LabelFormat {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Ok(match text {
            "nrrd" => Self::Nrrd,
            "ome-zarr" => Self::OmeZarr,
            "raw" => Self::Raw,
            "phases" => Self::Phases,
            "probabilities" => Self::Probabilities,
            "probabilities-float" => Self::ProbabilitiesFloat,
            _ => {
                return Err(Error::invalid(format!(
                    "\"{text}\" is no format of labels; use nrrd, ome-zarr, raw, phases, probabilities or \
                     probabilities-float"
                )));
            }
        })
    }
}

/// What the headers of labels say.
#[derive(Clone, Debug)]
pub struct LabelMeta {
    /// Slices, rows, columns.
    pub shape: [usize; 3],
    /// Edges of a voxel Z, Y, X with their unit.
    pub voxel_size: Option<([f64; 3], String)>,
    /// Classes of the values 1, 2, ...
    pub classes: Vec<Class>,
}

/// Labels on their way into one format. Dropped before [`finish`](Self::finish) they leave nothing.
pub struct LabelWriter {
    kind: Kind,
    written: usize,
    shape: [usize; 3],
    force: bool,
}

enum Kind {
    /// A file, and for raw files what describes it.
    Plain {
        file: AtomicFile,
        sidecar: Option<(PathBuf, Vec<u8>)>,
    },
    Zarr(ZarrLabels),
    Phases(Vec<StackWriter>),
    /// By class, and whether they are 8 bit.
    Probabilities(Vec<StackWriter>, bool),
}

impl LabelWriter {
    /// Starts labels whose files begin with `stem` (folder and name without ending).
    ///
    /// # Errors
    /// Where a file exists already and `force` is not given, or nothing can be written there.
    pub fn create(format: LabelFormat, stem: &Path, meta: &LabelMeta, force: bool) -> Result<Self> {
        let kind = match format {
            LabelFormat::Nrrd => plain(&ending(stem, "_labels.nrrd"), &nrrd_header(meta), None, force)?,
            LabelFormat::Raw => {
                let sidecar = (ending(stem, "_labels.raw.json"), raw_description(meta));
                plain(&ending(stem, "_labels.raw"), &[], Some(sidecar), force)?
            }
            LabelFormat::OmeZarr => {
                Kind::Zarr(ZarrLabels::create(&ending(stem, "_labels.ome.zarr"), meta.clone(), force)?)
            }
            LabelFormat::Phases => Kind::Phases(by_class(stem, meta, ("phase", Dtype::U8, 1.0), force)?),
            LabelFormat::Probabilities => {
                Kind::Probabilities(by_class(stem, meta, ("probability", Dtype::U8, 255.0), force)?, true)
            }
            LabelFormat::ProbabilitiesFloat => Kind::Probabilities(
                by_class(stem, meta, ("probability_float", Dtype::F32, 1.0), force)?,
                false,
            ),
        };
        Ok(Self { kind, written: 0, shape: meta.shape, force })
    }

    /// Appends a slice of `height * width` labels: 0 none, then the classes from 1.
    ///
    /// # Errors
    /// Where it cannot be written or has another size.
    pub fn push(&mut self, labels: &[u8]) -> Result<()> {
        let [slices, height, width] = self.shape;
        if labels.len() != height * width || self.written == slices {
            let n = labels.len();
            return Err(Error::invalid(format!(
                "a slice of {n} labels does not fit {slices} of {width} x {height}"
            )));
        }
        self.written += 1;
        match &mut self.kind {
            Kind::Plain { file, .. } => file.write(labels),
            Kind::Zarr(zarr) => zarr.push(labels),
            Kind::Probabilities(..) => Ok(()),
            Kind::Phases(stacks) => stacks.iter_mut().zip(1..).try_for_each(|(stack, value)| {
                stack.push_u8(&labels.iter().map(|l| u8::from(*l == value)).collect::<Vec<_>>())
            }),
        }
    }

    /// Appends the class probabilities [classes, height, width] of the slice pushed last, where the format holds them.
    ///
    /// # Errors
    /// Where they were not kept or cannot be written.
    pub fn push_probabilities(&mut self, probabilities: &[f32]) -> Result<()> {
        let Kind::Probabilities(stacks, bytes) = &mut self.kind else { return Ok(()) };
        let plane = self.shape[1] * self.shape[2];
        if probabilities.len() != stacks.len() * plane {
            return Err(Error::invalid(
                "the slice came without its class probabilities; leave that export out",
            ));
        }
        stacks.iter_mut().zip(probabilities.chunks(plane)).try_for_each(|(stack, values)| match bytes {
            true => stack.push_u8(&values.iter().map(|p| (p * 255.0).round() as u8).collect::<Vec<_>>()),
            false => stack.push_f32(values),
        })
    }

    /// Gives everything its name and says which.
    ///
    /// # Errors
    /// Where slices are missing or a file cannot get its name.
    pub fn finish(self) -> Result<Vec<PathBuf>> {
        if self.written != self.shape[0] {
            let (written, slices) = (self.written, self.shape[0]);
            return Err(Error::invalid(format!(
                "only {written} of {slices} slices were written; they were dropped"
            )));
        }
        match self.kind {
            Kind::Plain { file, sidecar } => {
                let mut paths = vec![file.persist(self.force)?];
                if let Some((path, text)) = sidecar {
                    write_atomic(&path, &text, self.force)?;
                    paths.push(path);
                }
                Ok(paths)
            }
            Kind::Zarr(zarr) => Ok(vec![zarr.finish()?]),
            Kind::Phases(stacks) | Kind::Probabilities(stacks, _) => {
                stacks.into_iter().map(StackWriter::finish).collect()
            }
        }
    }
}

fn ending(stem: &Path, end: &str) -> PathBuf {
    let mut path = stem.as_os_str().to_owned();
    path.push(end);
    path.into()
}

fn plain(path: &Path, header: &[u8], sidecar: Option<(PathBuf, Vec<u8>)>, force: bool) -> Result<Kind> {
    check_free(path, force)?;
    sidecar.iter().try_for_each(|(path, _)| check_free(path, force))?;
    let mut file = AtomicFile::create(path)?;
    file.write(header)?;
    Ok(Kind::Plain { file, sidecar })
}

/// One stack a class, `kind`: what it is, its type and its largest value.
fn by_class(
    stem: &Path,
    meta: &LabelMeta,
    (what, dtype, most): (&str, Dtype, f64),
    force: bool,
) -> Result<Vec<StackWriter>> {
    let (voxel_size, unit) = meta.voxel_size.clone().unzip();
    let scale = StackMeta { voxel_size, unit, range: Some((0.0, most)), ..StackMeta::default() };
    let stack = |(i, class): (usize, &Class)| {
        StackWriter::create(&class_path(stem, what, i, class), meta.shape, dtype, &scale, force)
    };
    (1..).zip(&meta.classes).map(stack).collect()
}

/// The file of class number `i`, counted from 1.
fn class_path(stem: &Path, what: &str, i: usize, class: &Class) -> PathBuf {
    let plain = |c: char| if c.is_alphanumeric() || c == '-' { c } else { '_' };
    let name: String = class.name.chars().map(plain).collect();
    ending(stem, &format!("_{what}{i}_{name}.tif"))
}

fn nrrd_header(meta: &LabelMeta) -> Vec<u8> {
    let [z, y, x] = meta.shape;
    let mut text = format!("NRRD0004\ntype: uint8\ndimension: 3\nsizes: {x} {y} {z}\nencoding: raw\n");
    text += "kinds: domain domain domain\n";
    if let Some(([z, y, x], unit)) = &meta.voxel_size {
        let unit = unit.replace(['"', '\n'], " ");
        let _ = write!(text, "spacings: {x} {y} {z}\nunits: \"{unit}\" \"{unit}\" \"{unit}\"\n");
    }
    for (i, class) in meta.classes.iter().enumerate() {
        let _ = writeln!(text, "label {}:={}", i + 1, class.name.replace('\n', " "));
    }
    (text + "\n").into_bytes()
}

fn raw_description(meta: &LabelMeta) -> Vec<u8> {
    let (voxel_size, unit) = meta.voxel_size.clone().unzip();
    json!({ "shape": meta.shape, "dtype": "u8", "voxel_size": voxel_size, "unit": unit })
        .to_string()
        .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::classes::classes;
    use crate::volume;

    fn meta() -> LabelMeta {
        LabelMeta {
            shape: [11, 5, 7],
            voxel_size: Some(([2.0, 0.25, 0.5], "um".to_owned())),
            classes: classes(&["pore", "carbon/binder"]),
        }
    }

    fn slice(z: usize) -> Vec<u8> {
        (0..35).map(|i| ((i + z) % 3) as u8).collect()
    }

    fn write(format: LabelFormat, stem: &Path) -> Vec<PathBuf> {
        let mut writer = LabelWriter::create(format, stem, &meta(), false).unwrap();
        (0..11).for_each(|z| writer.push(&slice(z)).unwrap());
        writer.finish().unwrap()
    }

    #[test]
    fn every_format_reads_back() {
        for format in [LabelFormat::Nrrd, LabelFormat::Raw, LabelFormat::OmeZarr] {
            let folder = tempfile::tempdir().unwrap();
            let paths = write(format, &folder.path().join("s"));
            let volume = volume::open(&paths[0]).unwrap();
            let info = volume.info();
            assert_eq!([info.slices, info.height, info.width], [11, 5, 7], "{format:?}");
            assert_eq!(
                (info.voxel_size, info.unit.as_deref()),
                (Some([2.0, 0.25, 0.5]), Some("um")),
                "{format:?}"
            );
            for z in [0, 7, 8, 10] {
                let found: Vec<u8> = volume.read(z).unwrap().values.iter().map(|v| *v as u8).collect();
                assert_eq!(found, slice(z), "{format:?}, slice {z}");
            }
            let again = LabelWriter::create(format, &folder.path().join("s"), &meta(), false);
            assert!(matches!(again.map(drop), Err(Error::Exists(_))), "{format:?}");
        }
    }

    #[test]
    fn phases_are_0_and_1() {
        let folder = tempfile::tempdir().unwrap();
        let paths = write(LabelFormat::Phases, &folder.path().join("s"));
        let names: Vec<_> = paths.iter().map(|p| p.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["s_phase1_pore.tif", "s_phase2_carbon_binder.tif"]);
        let second = volume::open(&paths[1]).unwrap().read(3).unwrap();
        let expected: Vec<f32> = slice(3).iter().map(|l| f32::from(u8::from(*l == 2))).collect();
        assert_eq!(second.values, expected);
    }

    #[test]
    fn probabilities_are_255ths_or_floats() {
        let formats =
            [(LabelFormat::Probabilities, 255.0, ""), (LabelFormat::ProbabilitiesFloat, 1.0, "_float")];
        for (format, one, kind) in formats {
            let folder = tempfile::tempdir().unwrap();
            let mut writer = LabelWriter::create(format, &folder.path().join("s"), &meta(), false).unwrap();
            let [slices, height, width] = meta().shape;
            for z in 0..slices {
                let values = [vec![0.2; height * width], vec![0.8; height * width]].concat();
                writer.push(&slice(z)).unwrap();
                writer.push_probabilities(&values).unwrap();
            }
            assert!(writer.push_probabilities(&[0.5]).is_err());
            let paths = writer.finish().unwrap();
            assert!(paths[1].ends_with(format!("s_probability{kind}2_carbon_binder.tif")));
            let read = volume::open(&paths[1]).unwrap().read(1).unwrap();
            assert!(read.values.iter().all(|v| (v / one - 0.8).abs() < 1e-6));
        }
    }

    #[test]
    fn what_is_not_finished_leaves_nothing() {
        for format in [LabelFormat::Nrrd, LabelFormat::Raw, LabelFormat::OmeZarr, LabelFormat::Phases] {
            let folder = tempfile::tempdir().unwrap();
            let mut writer = LabelWriter::create(format, &folder.path().join("s"), &meta(), false).unwrap();
            writer.push(&slice(0)).unwrap();
            assert!(writer.push(&[1]).is_err());
            assert!(writer.finish().is_err());
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "{format:?}");
        }
    }

    #[test]
    fn an_existing_zarr_folder_is_replaced_by_force() {
        let folder = tempfile::tempdir().unwrap();
        let stem = folder.path().join("s");
        let first = write(LabelFormat::OmeZarr, &stem);
        let mut writer = LabelWriter::create(LabelFormat::OmeZarr, &stem, &meta(), true).unwrap();
        (0..11).for_each(|_| writer.push(&[2; 35]).unwrap());
        assert_eq!(writer.finish().unwrap(), first);
        assert_eq!(volume::open(&first[0]).unwrap().read(10).unwrap().values, [2.0; 35]);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
