//! Files written whole or not at all.
//!
//! In: a path and bytes. Out: the file, or an error and the old file untouched. It must not know what the bytes mean.

use crate::error::{Error, Result};
use std::fs::{File, Metadata, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// A file that does not exist under its name until it is complete.
pub struct PendingFile {
    file: Kind,
    path: PathBuf,
}

enum Kind {
    /// Beside the target, whose links are resolved.
    Temporary(tempfile::NamedTempFile, PathBuf),
    /// What exists and holds no bytes of its own, as a pipe or a terminal: it is written to, not replaced.
    Direct(File),
}

impl PendingFile {
    /// Starts a temporary file beside the target.
    ///
    /// # Errors
    ///
    /// A directory that does not exist or cannot be written to.
    pub fn create(path: &Path) -> Result<Self> {
        let old = std::fs::metadata(path).ok();
        if old.as_ref().is_some_and(Metadata::is_dir) {
            return Err(Error::usage("is a directory (allowed: a file to write)").at(path));
        }
        let own = path.to_path_buf();
        if old.as_ref().is_some_and(is_written_directly) {
            let file = OpenOptions::new().write(true).open(path).map_err(|e| fault(path, &e))?;
            return Ok(PendingFile { file: Kind::Direct(file), path: own });
        }
        let target = if old.is_some() { path.canonicalize().map_err(|e| fault(path, &e))? } else { own.clone() };
        let directory = match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let mut builder = tempfile::Builder::new();
        builder.prefix(".rubrique-");
        // A temporary file is private; what the user asked for is an ordinary file, as the umask has it.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let file = builder.tempfile_in(directory).map_err(|e| fault(path, &e))?;
        if let Some(old) = old {
            file.as_file().set_permissions(old.permissions()).map_err(|e| fault(path, &e))?;
        }
        Ok(PendingFile { file: Kind::Temporary(file, target), path: own })
    }

    /// Where its bytes are until then, if not under its name.
    pub fn temporary_path(&self) -> Option<&Path> {
        match &self.file {
            Kind::Temporary(file, _) => Some(file.path()),
            Kind::Direct(_) => None,
        }
    }

    /// Finds out, without a trace, whether a file can be written. A pipe is not opened for that: whoever reads it would take it
    /// for ended.
    ///
    /// # Errors
    ///
    /// As [`PendingFile::create`].
    pub fn check(path: &Path) -> Result<()> {
        let old = std::fs::metadata(path);
        if old.is_ok_and(|old| is_written_directly(&old)) { Ok(()) } else { Self::create(path).map(drop) }
    }

    /// Gives the file its name, in place of any file of that name.
    ///
    /// # Errors
    ///
    /// A place that cannot be written to; the old file is then untouched.
    pub fn commit(self) -> Result<()> {
        if let Kind::Temporary(file, target) = self.file {
            file.persist(target).map_err(|e| fault(&self.path, &e.error))?;
        }
        Ok(())
    }
}

impl Write for PendingFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match &mut self.file {
            Kind::Temporary(file, _) => file.write(bytes),
            Kind::Direct(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match &mut self.file {
            Kind::Temporary(file, _) => file.flush(),
            Kind::Direct(file) => file.flush(),
        }
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

/// Whether something is neither a file nor a directory.
fn is_written_directly(old: &Metadata) -> bool {
    !old.is_file() && !old.is_dir()
}

fn fault(path: &Path, error: &std::io::Error) -> Error {
    Error::usage(format!("cannot be written: {error}"))
        .at(path)
        .hint("check that the directory exists, is writable and has room")
}
