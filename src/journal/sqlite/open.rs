//! Opening the file: its folder, its settings, its format.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use rusqlite_migration::{M, Migrations};

use super::super::JournalError;

/// The database in the journal's folder.
pub(super) const FILE: &str = "journal.db";
/// The folder of the holders' locks.
pub(super) const HOLDERS: &str = "holders";
/// Locked while a process opens the journal for writing.
const OPENING: &str = "opening.lock";

/// How long a writer waits for another one's transaction; ours take milliseconds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Statements that are kept ready: all that there are.
const STATEMENTS: usize = 64;

/// The format, step by step. A released step is never changed; a new format is a new step.
const STEPS: &[M<'static>] = &[M::up(include_str!("schema.sql")), M::up(include_str!("waiting.sql"))];

const FORMAT: u32 = 2;

/// Makes the folder, which only its owner may enter, and returns the database's path.
pub(super) fn prepare(dir: &Path) -> Result<PathBuf, JournalError> {
    let failed = |error| failed(dir, error);
    std::fs::create_dir_all(dir).map_err(failed)?;
    keep_private(dir).map_err(failed)?;
    std::fs::create_dir_all(dir.join(HOLDERS)).map_err(failed)?;
    Ok(dir.join(FILE))
}

pub(super) fn for_writing(path: &Path) -> Result<Connection, JournalError> {
    // Two processes that both find no tables would both make them. The lock ends with the file, at the latest with us.
    let turn = File::create(path.with_file_name(OPENING)).map_err(|error| failed(path, error))?;
    turn.lock().map_err(|error| failed(path, error))?;
    let mut connection = Connection::open(path).map_err(|error| failed(path, error))?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(|error| failed(path, error))?;
    // Before anything else, so that a newer program's store stays exactly as it is.
    refuse_newer(&connection, path)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // A commit of a launch of many sites touches a page for each of its logs, and of its files. All such pages are kept at
    // hand, and moved from the write-ahead log to the database every 32 MB of it; each commit is synced as before.
    let settings = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
                    PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;
                    PRAGMA cache_size = -16384; PRAGMA wal_autocheckpoint = 8192;";
    connection.execute_batch(settings).map_err(|error| failed(path, error))?;
    Migrations::from_slice(STEPS).to_latest(&mut connection).map_err(|error| match error {
        // Without the step's whole text.
        rusqlite_migration::Error::RusqliteError { err, .. } => failed(path, err),
        other => failed(path, other),
    })?;
    Ok(connection)
}

/// A second connection of a process that has the journal open for writing: it sees what was written, and writes nothing.
pub(super) fn beside(path: &Path) -> Result<Connection, JournalError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|error| failed(path, error))?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(|error| failed(path, error))?;
    let settings = "PRAGMA query_only = ON; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;";
    connection.execute_batch(settings).map_err(|error| failed(path, error))?;
    Ok(connection)
}

pub(super) fn for_reading(path: &Path) -> Result<Connection, JournalError> {
    if !path.is_file() {
        return Err(failed(path, "there is no journal here"));
    }
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection =
        Connection::open_with_flags(address(path), flags).map_err(|error| failed(path, error))?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(|error| failed(path, error))?;
    match refuse_newer(&connection, path)? {
        FORMAT => Ok(connection),
        older => Err(failed(
            path,
            format!("it has format {older}, which only opening it for writing brings up to {FORMAT}"),
        )),
    }
}

/// The file as a URI. Without a write-ahead log beside it nobody is writing, and `immutable` keeps SQLite from making
/// one; with it, the log must be read too.
fn address(path: &Path) -> String {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let immutable = if Path::new(&log).exists() { "" } else { "?immutable=1" };
    let escaped = path.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    format!("file:{escaped}{immutable}")
}

fn refuse_newer(connection: &Connection, path: &Path) -> Result<u32, JournalError> {
    let found: u32 = connection
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .map_err(|error| failed(path, error))?;
    if found > FORMAT { Err(JournalError::Newer { found, known: FORMAT }) } else { Ok(found) }
}

pub(super) fn failed(path: &Path, error: impl std::fmt::Display) -> JournalError {
    JournalError::Store { path: path.display().to_string(), what: error.to_string() }
}

#[cfg(unix)]
fn keep_private(dir: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mut permissions = std::fs::metadata(dir)?.permissions();
    if permissions.mode() & 0o777 == 0o700 {
        return Ok(());
    }
    permissions.set_mode(0o700);
    std::fs::set_permissions(dir, permissions)
}

#[cfg(not(unix))]
fn keep_private(_dir: &Path) -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_are_sound_and_counted() {
        assert_eq!(STEPS.len(), FORMAT as usize);
        Migrations::from_slice(STEPS).validate().expect("steps that apply");
    }
}
