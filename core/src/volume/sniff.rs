//! Which format a file is.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::{mhd, nifti, raw};
use crate::error::{Error, Result};

/// The formats of single files.
pub(super) enum Format {
    Tiff,
    Png,
    Nrrd,
    Hdf5,
    MetaImage,
    Nifti { packed: bool },
    Raw { sidecar: PathBuf },
}

/// Tells the format by the file's first bytes, whatever its name; only raw files have none to tell by.
pub(super) fn sniff(path: &Path) -> Result<Format> {
    let mut head = Vec::new();
    // a pipe or a device would be waited for without end
    if !std::fs::metadata(path).map_err(|e| Error::io("cannot read", path, e))?.is_file() {
        return Err(Error::bad(path, "it is neither a file nor a folder; choose the stack itself"));
    }
    let file = File::open(path).map_err(|e| Error::io("cannot read", path, e))?;
    file.take(1024).read_to_end(&mut head).map_err(|e| Error::io("cannot read", path, e))?;
    match head.as_slice() {
        [] => return Err(Error::bad(path, "it is empty (0 bytes); copy or export it again")),
        [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => return Ok(Format::Tiff),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => return Ok(Format::Png),
        [0x89, b'H', b'D', b'F', b'\r', b'\n', 0x1a, b'\n', ..] => return Ok(Format::Hdf5),
        [b'N', b'R', b'R', b'D', b'0', ..] => return Ok(Format::Nrrd),
        [0x1f, 0x8b, ..] if nifti::is_nifti(&nifti::unpacked_head(path)?) => {
            return Ok(Format::Nifti { packed: true });
        }
        head if nifti::is_nifti(head) => return Ok(Format::Nifti { packed: false }),
        head if mhd::is_metaimage(head) => return Ok(Format::MetaImage),
        _ => {}
    }
    raw::sidecar(path).map(|sidecar| Format::Raw { sidecar }).ok_or_else(|| {
        Error::bad(
            path,
            "it is neither a TIFF nor a PNG image, nor NRRD, MetaImage, NIfTI or HDF5; export the stack as TIFF, or describe a \
             raw file by --raw or a JSON file beside it",
        )
    })
}
