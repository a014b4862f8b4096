//! Files written whole or not at all.
//!
//! In: a path and bytes. Out: the file, or an error and the old file untouched. It must not know what the bytes mean.

use crate::error::{Error, Result};
use std::io::Write;
use std::path::{Path, PathBuf};

/// A file that does not exist under its name until it is complete.
pub struct PendingFile {
    file: tempfile::NamedTempFile,
    path: PathBuf,
}

impl PendingFile {
    /// Starts a temporary file beside the target.
    ///
    /// # Errors
    ///
    /// A directory that does not exist or cannot be written to.
    pub fn create(path: &Path) -> Result<Self> {
        if path.is_dir() {
            return Err(Error::usage("is a directory (allowed: a file to write)").at(path));
        }
        let directory = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let file = tempfile::Builder::new().prefix(".rubrique-").tempfile_in(directory).map_err(|e| fault(path, &e))?;
        Ok(PendingFile { file, path: path.to_path_buf() })
    }

    /// Gives the file its name, in place of any file of that name.
    ///
    /// # Errors
    ///
    /// A place that cannot be written to; the old file is then untouched.
    pub fn commit(self) -> Result<()> {
        let path = self.path;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // A temporary file is private; what the user asked for is an ordinary file.
            let ordinary = std::fs::Permissions::from_mode(0o644);
            self.file.as_file().set_permissions(ordinary).map_err(|e| fault(&path, &e))?;
        }
        self.file.persist(&path).map_err(|e| fault(&path, &e.error))?;
        Ok(())
    }
}

impl Write for PendingFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

/// Writes a whole file.
///
/// # Errors
///
/// A place that cannot be written to, or a full disk.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = PendingFile::create(path)?;
    file.write_all(bytes).map_err(|e| fault(path, &e))?;
    file.commit()
}

fn fault(path: &Path, error: &std::io::Error) -> Error {
    Error::usage(format!("cannot be written: {error}"))
        .at(path)
        .hint("check that the directory exists, is writable and has room")
}
