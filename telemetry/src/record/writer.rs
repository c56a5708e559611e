//! One recording file: frames of a 4-byte big-endian length and a zstd-compressed protobuf message
//! (the collector file exporter's `proto` format with `compression: zstd`). Knows no signal.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use crate::error::RecordError;

/// zstd's own default level: a batch of 100 log records takes some 50 µs and shrinks about 8:1.
const ZSTD_LEVEL: i32 = 3;

/// Bytes of the largest frame that a reader accepts, compressed or not. A longer one is reported
/// as corrupt rather than allocated. Twice the receiver's body limit.
pub const FRAME_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Appends frames to a file.
#[derive(Debug)]
pub struct FrameWriter {
    path: PathBuf,
    file: BufWriter<File>,
    bytes: u64,
}

impl FrameWriter {
    /// Opens `path` for appending, creating it where it does not exist.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn create(path: &Path) -> Result<Self, RecordError> {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .map_err(|source| io("create", path, source))?;
        Ok(Self {
            path: path.to_owned(),
            file: BufWriter::new(file),
            bytes: 0,
        })
    }

    /// Appends one encoded message.
    ///
    /// # Errors
    /// When the disk refuses (full, read-only). The file then may end in part of a frame, which
    /// [`Frames`] tolerates.
    pub fn append(&mut self, message: &[u8]) -> Result<(), RecordError> {
        let write = || -> std::io::Result<usize> {
            let frame = zstd::bulk::compress(message, ZSTD_LEVEL)?;
            let length = u32::try_from(frame.len()).map_err(std::io::Error::other)?;
            self.file.write_all(&length.to_be_bytes())?;
            self.file.write_all(&frame)?;
            Ok(frame.len() + 4)
        };
        let mut write = write;
        let written = write().map_err(|source| io("write", &self.path, source))?;
        self.bytes += written as u64;
        Ok(())
    }

    /// Hands everything appended so far to the operating system.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn flush(&mut self) -> Result<(), RecordError> {
        self.file
            .flush()
            .map_err(|source| io("write", &self.path, source))
    }

    /// Bytes appended by this writer.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// Reads the frames of a file in order, decompressed. A frame cut off at the end of the file, as a
/// crash leaves it, ends the iteration quietly.
#[derive(Debug)]
pub struct Frames {
    path: PathBuf,
    file: BufReader<File>,
    offset: u64,
    over: bool,
}

impl Frames {
    /// Opens `path`.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn open(path: &Path) -> Result<Self, RecordError> {
        let file = File::open(path).map_err(|source| io("read", path, source))?;
        Ok(Self {
            path: path.to_owned(),
            file: BufReader::new(file),
            offset: 0,
            over: false,
        })
    }

    /// Byte offset of the frame that comes next.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// A [`RecordError::Corrupt`] about the frame at `offset`.
    #[must_use]
    pub fn corrupt(&self, offset: u64, message: impl Into<String>) -> RecordError {
        RecordError::Corrupt {
            path: self.path.clone(),
            offset,
            message: message.into(),
        }
    }

    fn read_frame(&mut self) -> Result<Option<Vec<u8>>, RecordError> {
        let mut length = [0; 4];
        if !self.fill(&mut length)? {
            return Ok(None);
        }
        let length = u32::from_be_bytes(length) as usize;
        if length > FRAME_BYTES_MAX {
            return Err(self.corrupt(self.offset, format!("a frame of {length} bytes")));
        }
        let mut frame = vec![0; length];
        if !self.fill(&mut frame)? {
            return Ok(None);
        }
        let message = zstd::bulk::decompress(&frame, FRAME_BYTES_MAX)
            .map_err(|error| self.corrupt(self.offset, format!("not a zstd frame ({error})")))?;
        self.offset += 4 + length as u64;
        Ok(Some(message))
    }

    /// Fills `buffer`, or says `false` when the file ends first.
    fn fill(&mut self, buffer: &mut [u8]) -> Result<bool, RecordError> {
        match self.file.read_exact(buffer) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(false),
            Err(source) => Err(io("read", &self.path, source)),
        }
    }
}

impl Iterator for Frames {
    type Item = Result<Vec<u8>, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let frame = self.read_frame().transpose();
        self.over = !matches!(frame, Some(Ok(_)));
        frame
    }
}

fn io(what: &'static str, path: &Path, source: std::io::Error) -> RecordError {
    RecordError::Io {
        what,
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_back_in_order_and_a_cut_off_tail_is_ignored() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("logs.pb.zst");
        let mut writer = FrameWriter::create(&path).unwrap();
        for message in [b"one".as_slice(), b"", b"three"] {
            writer.append(message).unwrap();
        }
        writer.flush().unwrap();
        let whole = std::fs::read(&path).unwrap();
        assert_eq!(writer.bytes(), whole.len() as u64);
        std::fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        let read: Result<Vec<_>, _> = Frames::open(&path).unwrap().collect();
        assert_eq!(read.unwrap(), [b"one".to_vec(), b"".to_vec()]);
    }

    #[test]
    fn a_file_of_something_else_is_named_with_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("logs.pb.zst");
        std::fs::write(&path, b"\0\0\0\x05hello and more").unwrap();
        let error = Frames::open(&path).unwrap().next().unwrap().unwrap_err();
        assert!(error.to_string().contains("at byte 0"), "{error}");
        std::fs::write(&path, b"hello, world").unwrap();
        let error = Frames::open(&path).unwrap().next().unwrap().unwrap_err();
        assert!(error.to_string().contains("bytes at byte 0"), "{error}");
    }
}
