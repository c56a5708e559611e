//! Programs to compare with: found on the path, started on free ports with folders of their own, ended
//! when they are let go.

use std::{
    net::{Ipv4Addr, TcpListener},
    path::PathBuf,
    process::Child,
};

use crate::exit::Failure;

use super::figures::Missing;

/// A child process that is killed when this goes.
pub struct Guard(pub Child);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A folder of its own, which goes with it.
pub struct Folder(pub PathBuf);

impl Folder {
    /// Makes it among the system's temporary files.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new(name: &str) -> Result<Self, Failure> {
        let folder = format!("drill-bench-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(folder);
        std::fs::create_dir_all(&path).map_err(|error| {
            Failure::failed(format!("cannot create {}: {error}", path.display()))
        })?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A program on the path; otherwise it is noted in `missing`, with how to install it.
pub fn find(program: &str, install: &str, missing: &mut Vec<Missing>) -> Option<PathBuf> {
    let found = std::env::var_os("PATH").and_then(|path| {
        std::env::split_paths(&path)
            .map(|folder| folder.join(program))
            .find(|file| file.is_file())
    });
    if found.is_none() {
        missing.push(Missing {
            peer: program.to_owned(),
            install: install.to_owned(),
        });
    }
    found
}

/// A port of loopback that nobody listens on now.
pub fn free_port() -> Result<u16, Failure> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(Failure::failed)?;
    Ok(listener.local_addr().map_err(Failure::failed)?.port())
}
