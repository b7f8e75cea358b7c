//! A sink that appends each notice to a file, one JSON line each, for tools on the same machine.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::{Sending, Sent, Sink};
use crate::base::limits::NOTICE_FILE_BYTES_MAX;
use crate::base::time::{Millis, Timestamp};
use crate::notice::Notice;

/// A file of notices.
pub struct NoticeFile {
    path: PathBuf,
}

impl NoticeFile {
    /// The file at a path. It is made when the first notice comes; its folder must be there.
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    fn append(&self, line: &[u8]) -> Result<(), String> {
        let told = |error: std::io::Error| format!("the file cannot be written: {}", error.kind());
        // Not opened if it is a pipe, which would wait, or a link, which would lead elsewhere.
        match fs::symlink_metadata(&self.path) {
            Ok(there) if !there.is_file() => return Err("there is something else than a file".to_owned()),
            Ok(there) if there.len() + line.len() as u64 > NOTICE_FILE_BYTES_MAX => {
                return Err(format!("the file has {} bytes: move it away", there.len()));
            }
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(told(error)),
        }
        let mut file = open(&self.path).map_err(told)?;
        let mut bytes = Vec::with_capacity(line.len() + 2);
        // A crash may have left half a line; it ends here, and the notice of it comes again.
        if ends_within_a_line(&mut file).map_err(told)? {
            bytes.push(b'\n');
        }
        bytes.extend_from_slice(line);
        bytes.push(b'\n');
        file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(told)
    }
}

fn ends_within_a_line(file: &mut File) -> std::io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

/// Opened for its owner only; whoever else may read it is set by its owner afterwards.
fn open(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).read(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

impl Sink for NoticeFile {
    fn send<'a>(&'a self, notice: &'a Notice, _now: Timestamp, _timeout: Millis) -> Sending<'a> {
        let sent = match self.append(&notice.to_bytes()) {
            Ok(()) => Sent::Taken,
            Err(why) => Sent::later(why),
        };
        Box::pin(std::future::ready(sent))
    }
}
