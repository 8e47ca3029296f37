//! A path that a project keeps, with a fingerprint of what lies there.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Bytes at each end of a file that its fingerprint covers, besides its length.
const SEEN: u64 = 1 << 20;

/// A file or folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// From the project's folder, where that is possible.
    relative: Option<PathBuf>,
    /// From the root.
    absolute: PathBuf,
    /// Of its length and both its ends; empty while it was not looked at.
    fingerprint: String,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// It is where it was, or moved together with the project.
    There(PathBuf),
    /// Something else lies there.
    Changed(PathBuf),
    /// Nothing lies there.
    Missing(PathBuf),
}

impl Link {
    /// To `path`.
    pub fn to(path: &Path) -> Self {
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        Self { relative: None, absolute, fingerprint: String::new() }
    }

    /// Its path from the root when it was saved.
    pub fn path(&self) -> &Path {
        &self.absolute
    }

    /// Takes its fingerprint and its path from `folder`, before it is saved there.
    pub fn seal(&mut self, folder: &Path) {
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        self.relative = relative(&folder, &self.absolute);
        self.fingerprint = fingerprint(&self.absolute).unwrap_or_default();
    }

    /// Where it is now, seen from the project's folder.
    pub fn find(&self, folder: &Path) -> Place {
        let beside = self.relative.as_ref().map(|path| tidy(&folder.join(path)));
        let mut changed = None;
        for path in beside.into_iter().chain([self.absolute.clone()]) {
            match fingerprint(&path) {
                Ok(print) if self.fingerprint.is_empty() || print == self.fingerprint => {
                    return Place::There(path);
                }
                Ok(_) => changed = changed.or(Some(path)),
                Err(_) => {}
            }
        }
        changed.map_or_else(|| Place::Missing(self.absolute.clone()), Place::Changed)
    }
}

/// The way from `folder` to `path` by at most three steps up; none where they share nothing.
fn relative(folder: &Path, path: &Path) -> Option<PathBuf> {
    for (up, ancestor) in folder.ancestors().enumerate().take(4) {
        ancestor.parent()?; // what only shares the root shares nothing
        if let Ok(rest) = path.strip_prefix(ancestor) {
            return Some(std::iter::repeat_n("..", up).collect::<PathBuf>().join(rest));
        }
    }
    None
}

/// `path` without "..", as far as names go.
fn tidy(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::ParentDir if out.file_name().is_some() => drop(out.pop()),
            std::path::Component::CurDir => {}
            other => out.push(other),
        }
    }
    out
}

/// SHA-256 over length and both ends of a file; of a folder over the names and lengths in it and its first
/// file, of a bundle over its manifest.
fn fingerprint(path: &Path) -> io::Result<String> {
    let mut hash = Sha256::new();
    if path.is_dir() {
        let manifest = path.join(paser_core::bundle::MANIFEST);
        if manifest.is_file() {
            return fingerprint(&manifest);
        }
        let mut files: Vec<(PathBuf, u64)> = std::fs::read_dir(path)?
            .filter_map(|entry| entry.ok().and_then(|e| Some((e.path(), e.metadata().ok()?.len()))))
            .collect();
        files.sort();
        for (file, length) in &files {
            hash.update(file.file_name().unwrap_or_default().as_encoded_bytes());
            hash.update(length.to_le_bytes());
        }
        if let Some((first, _)) = files.iter().find(|(file, _)| file.is_file()) {
            ends(first, &mut hash)?;
        }
    } else {
        ends(path, &mut hash)?;
    }
    Ok(hash.finalize().iter().map(|b| format!("{b:02x}")).collect())
}

fn ends(path: &Path, hash: &mut Sha256) -> io::Result<()> {
    // a pipe or a device would be waited for without end
    let about = std::fs::metadata(path)?;
    if !about.is_file() {
        return Err(io::Error::other("neither a file nor a folder"));
    }
    let length = about.len();
    let mut file = File::open(path)?;
    hash.update(length.to_le_bytes());
    let mut bytes = Vec::new();
    file.by_ref().take(SEEN).read_to_end(&mut bytes)?;
    if length > SEEN {
        file.seek(SeekFrom::Start((length - SEEN).max(SEEN)))?;
        file.take(SEEN).read_to_end(&mut bytes)?;
    }
    hash.update(&bytes);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_follows_its_project_and_notices_another_file() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = (folder.path().join("old"), folder.path().join("new"));
        std::fs::create_dir_all(old.join("project")).unwrap();
        std::fs::write(old.join("stack.tif"), vec![7u8; 3 << 20]).unwrap();
        let mut link = Link::to(&old.join("stack.tif"));
        link.seal(&old.join("project"));
        assert_eq!(link.relative, Some(PathBuf::from("../stack.tif")));
        assert_eq!(link.find(&old.join("project")), Place::There(old.join("stack.tif")));
        std::fs::rename(&old, &new).unwrap();
        assert_eq!(link.find(&new.join("project")), Place::There(new.join("stack.tif")));
        let mut bytes = vec![7u8; 3 << 20];
        bytes[(3 << 20) - 5] = 8;
        std::fs::write(new.join("stack.tif"), &bytes).unwrap();
        assert_eq!(link.find(&new.join("project")), Place::Changed(new.join("stack.tif")));
        std::fs::remove_file(new.join("stack.tif")).unwrap();
        assert_eq!(link.find(&new.join("project")), Place::Missing(old.join("stack.tif")));
    }
}
