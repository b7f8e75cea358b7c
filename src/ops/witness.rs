//! The witness: somebody else's key, on another machine, that cosigns a log only as long as it grows.
//!
//! It needs no server and no journal: it reads checkpoints with their proofs from a folder, keeps one size and root for
//! each log, and writes cosigned checkpoints into a folder. What it has refused once, it goes on refusing.

mod answer;
mod follow;
pub mod serve;
mod shown;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::base::digest::Digest;
use crate::base::id::LogId;
use crate::base::limits::{HANDOVERS_MAX, NOTE_FILE_BYTES_MAX, WITNESS_FILE_BYTES_MAX};
use crate::base::time::Timestamp;
use crate::evidence::checkpoint::Checkpoint;
use crate::evidence::cosignature::{WitnessKey, message};
use crate::evidence::growth::Growth;
use crate::evidence::handover::KeyRing;
use crate::evidence::note::{SignedNote, VerifierKey};
use crate::model::plan::LogHead;
use crate::ops::Context;
use crate::ops::checkpoints::{COSIGNED, REQUEST, logs, path, sizes};
use crate::ops::earlier::{failed, limited, write};
use crate::ops::error::Failure;
use crate::signer::Signer as _;
use crate::signer::file_key::FileKey;

/// The file of its key, in its folder.
pub const KEY_FILE: &str = "witness.pem";
const STATE_FILE: &str = "witness.json";
const STATE_VERSION: u32 = 1;

/// What a witness knows.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    v: u32,
    /// Its own name.
    name: String,
    /// The one key whose checkpoints it looks at.
    log_key: String,
    /// The keys that it took over from, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    retired: Vec<String>,
    /// The newest head of each log, by origin.
    logs: BTreeMap<String, LogHead>,
    /// The newest size of each log that the org log's heads showed, by pseudonym.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    heads: BTreeMap<Digest, u64>,
    /// Roots of org logs that ended with smaller heads than were shown before: they are never cosigned.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    refused: BTreeSet<Digest>,
}

/// What a witness did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cosigned {
    /// Logs with the size that was cosigned.
    pub cosigned: Vec<(String, u64)>,
    /// Logs that did not grow.
    pub unchanged: usize,
    /// What was refused, and why.
    pub refused: Vec<String>,
    /// The log keys that took over, as the ones before them said.
    pub followed: Vec<VerifierKey>,
}

/// A witness in its folder.
#[derive(Debug)]
pub struct Witness {
    dir: PathBuf,
    key: FileKey,
    public: WitnessKey,
    log_key: VerifierKey,
    state: State,
    /// Heads that were shown over HTTP, and whose org log is not cosigned yet.
    waiting: Option<shown::Waiting>,
}

impl Witness {
    /// Makes a witness for the logs of one key.
    ///
    /// # Errors
    ///
    /// If there is one already, the name cannot be one, or the folder cannot be written.
    pub fn init(dir: &Path, name: &str, log_key: &str) -> Result<Self, Failure> {
        if dir.join(STATE_FILE).exists() {
            return Err(Failure::usage(
                format!("{} is a witness already", dir.display()),
                "name another folder",
            ));
        }
        let log_key: VerifierKey = log_key.parse().map_err(|_| {
            Failure::usage(
                "this is not a verifier key",
                "a key looks like name+1a2b3c4d+base64, as in keys/log.vkey",
            )
        })?;
        let state = State {
            v: STATE_VERSION,
            name: name.to_owned(),
            log_key: log_key.to_string(),
            retired: Vec::new(),
            logs: BTreeMap::new(),
            heads: BTreeMap::new(),
            refused: BTreeSet::new(),
        };
        let witness = Self::with(dir, state)?;
        witness.save()?;
        Ok(witness)
    }

    /// Opens the witness in a folder.
    ///
    /// # Errors
    ///
    /// If there is none, or it cannot be read.
    pub fn open(dir: &Path) -> Result<Self, Failure> {
        let file = dir.join(STATE_FILE);
        if !file.exists() || !dir.join(KEY_FILE).exists() {
            let message = format!("{} is no witness", dir.display());
            return Err(Failure::usage(message, "landfall witness init --dir DIR makes one"));
        }
        let state: State = serde_json::from_slice(&limited(&file, WITNESS_FILE_BYTES_MAX)?)
            .map_err(|error| failed(&file, error))?;
        if state.v > STATE_VERSION {
            return Err(failed(&file, format!("it has format {}: install a newer landfall", state.v)));
        }
        Self::with(dir, state)
    }

    fn with(dir: &Path, state: State) -> Result<Self, Failure> {
        let key =
            FileKey::open(&dir.join(KEY_FILE), &state.name).map_err(|e| Failure::failed(e.to_string()))?;
        let bad = |_| failed(&dir.join(STATE_FILE), "it holds no key");
        let own = key
            .vkey()
            .public()
            .try_into()
            .map_err(|_| failed(&dir.join(KEY_FILE), "a witness signs with Ed25519"))?;
        let public = WitnessKey::new(&state.name, own).map_err(bad)?;
        let log_key = state.log_key.parse().map_err(bad)?;
        Ok(Self { dir: dir.to_owned(), key, public, log_key, state, waiting: None })
    }

    /// Its public key, for readers of bundles.
    pub fn public(&self) -> &WitnessKey {
        &self.public
    }

    fn save(&self) -> Result<(), Failure> {
        let file = self.dir.join(STATE_FILE);
        let bytes = serde_json::to_vec_pretty(&self.state).map_err(|error| failed(&file, error))?;
        write(&file, &bytes)
    }

    /// Cosigns what is new in a folder of checkpoints, and writes cosigned checkpoints into another one.
    ///
    /// # Errors
    ///
    /// If a folder cannot be read or written. What is wrong with a log is in the answer, and stops no other log.
    pub fn cosign(&mut self, from: &Path, out: &Path, now: Timestamp) -> Result<Cosigned, Failure> {
        let mut done = Cosigned::default();
        for _ in 0..HANDOVERS_MAX {
            // What the next key has signed waits until this one has said that it takes over.
            let next = self.next_key(from)?;
            done.unchanged = 0;
            for log in logs(from)? {
                match self.cosign_log((from, out), &log, now, next.as_ref())? {
                    Ok(Some(size)) => done.cosigned.push((log, size)),
                    Ok(None) => done.unchanged += 1,
                    Err(why) => done.refused.push(format!("{log}: {why}")),
                }
            }
            if !done.refused.is_empty() || !self.follow(from)? {
                break;
            }
            done.followed.push(self.log_key.clone());
        }
        Ok(done)
    }

    fn cosign_log(
        &mut self,
        (from, out): (&Path, &Path),
        log: &str,
        now: Timestamp,
        next: Option<&VerifierKey>,
    ) -> Result<Result<Option<u64>, String>, Failure> {
        let folder = from.join(log);
        let all = sizes(&folder, REQUEST)?;
        let origin = format!("{}/{log}", self.log_key.name());
        let known = self.state.logs.get(&origin).map_or(0, |head| head.size);
        if all.last().is_some_and(|last| *last < known) {
            return Ok(Err(format!("it shows {} entries where {known} were cosigned", all[all.len() - 1])));
        }
        let mut newest = None;
        for size in all {
            let request = limited(&path(&folder, size, REQUEST), NOTE_FILE_BYTES_MAX)?;
            if next.is_some_and(|next| is_signed_by(&request, next)) {
                break;
            }
            let judged = self.judge(&origin, size, &request);
            let (head, note) = match judged {
                Ok(None) => continue,
                Ok(Some(grown)) => grown,
                Err(why) => return Ok(Err(format!("at {size} entries: {why}"))),
            };
            let heads = match self.shown_heads(&folder, size, &head)? {
                Ok(heads) => heads,
                Err(why) => return Ok(Err(format!("at {size} entries: {why}"))),
            };
            let note = self.signed(&note, now)?;
            // What was cosigned is remembered before anybody gets it, so that a crash cannot lead to a second version.
            self.state.logs.insert(origin.clone(), head);
            self.state.heads.extend(heads);
            write(&path(&self.dir.join(COSIGNED).join(log), size, COSIGNED), note.as_bytes())?;
            self.save()?;
            write(&path(&out.join(log), size, COSIGNED), note.as_bytes())?;
            newest = Some(size);
        }
        Ok(Ok(newest))
    }

    /// Whether a request is consistent growth: nothing to do, a new head with its note, or why not.
    fn judge(&self, origin: &str, size: u64, request: &[u8]) -> Result<Option<(LogHead, String)>, String> {
        let (growth, note) = Growth::parse_request(request).map_err(|error| error.to_string())?;
        // What is known already may be by a key that has retired since; what is new may not.
        let known = self.state.logs.get(origin).map_or(0, |head| head.size);
        let new = match size <= known {
            true => self.opened(note.as_bytes())?,
            false => Checkpoint::open(note.as_bytes(), &self.log_key).map_err(|error| error.to_string())?,
        };
        if new.origin != origin || new.size != size {
            return Err(format!("it is of {} at {} entries", new.origin, new.size));
        }
        let head = LogHead { size: new.size, root: new.root };
        let empty = LogHead { size: 0, root: crate::merkle::root(&[]) };
        let known = self.state.logs.get(origin).unwrap_or(&empty);
        if new.size == known.size && new.root != known.root {
            return Err("another version of it was cosigned before".to_owned());
        }
        if new.size <= known.size {
            return Ok(None);
        }
        if growth.old != known.size {
            return Err(format!(
                "its proof begins at {} entries, but {} were cosigned",
                growth.old, known.size
            ));
        }
        if growth.holds((known.size, &known.root), &new) {
            return Ok(Some((head, note)));
        }
        Err(format!("it does not continue the {} entries that were cosigned", known.size))
    }

    /// The note with one more line. Lines of other witnesses stay.
    fn signed(&self, note: &str, now: Timestamp) -> Result<String, Failure> {
        let parsed =
            SignedNote::parse(note.as_bytes()).map_err(|error| Failure::failed(error.to_string()))?;
        let seconds = u64::try_from(now.as_millis() / 1000).unwrap_or(0);
        let signature = self.key.sign(&message(seconds, parsed.unverified_text()));
        let signature = signature.map_err(|error| Failure::failed(error.to_string()))?;
        Ok(format!("{note}{}", self.public.line(seconds, &signature)))
    }

    /// Checks that for each log the newest cosigned checkpoint is kept and says what the state says.
    ///
    /// # Errors
    ///
    /// `NotVerified` at the first one that does not.
    pub fn verify(&self) -> Result<Vec<(String, u64)>, Failure> {
        let mut held = Vec::new();
        for (origin, head) in &self.state.logs {
            let wrong = |what: String| Failure::NotVerified { what: format!("{origin}: {what}") };
            let log = origin.strip_prefix(self.log_key.name()).and_then(|log| log.strip_prefix('/'));
            let log = log.ok_or_else(|| wrong("it is not a log of the log key".to_owned()))?;
            let file = path(&self.dir.join(COSIGNED).join(log), head.size, COSIGNED);
            let bytes = limited(&file, NOTE_FILE_BYTES_MAX).map_err(|failure| wrong(failure.to_string()))?;
            let found = self.opened(&bytes).map_err(wrong)?;
            let note = SignedNote::parse(&bytes).map_err(|error| wrong(error.to_string()))?;
            self.public.cosigned(&note).map_err(|error| wrong(error.to_string()))?;
            if (&found.origin, found.size, found.root) != (origin, head.size, head.root) {
                return Err(wrong("the state names another head than the cosigned checkpoint".to_owned()));
            }
            held.push((origin.clone(), head.size));
        }
        Ok(held)
    }
}

/// The newest cosigned checkpoint of a log that came back from a witness, of no more than this many entries.
///
/// # Errors
///
/// If it cannot be read, or is not of this log.
pub fn cosigned(
    context: &Context,
    log: &LogId,
    keys: &KeyRing,
    size: u64,
) -> Result<Option<String>, Failure> {
    let folder = context.state.join(COSIGNED).join(log.to_string());
    let Some(newest) = sizes(&folder, COSIGNED)?.into_iter().rfind(|have| *have <= size) else {
        return Ok(None);
    };
    let file = path(&folder, newest, COSIGNED);
    let bytes = limited(&file, NOTE_FILE_BYTES_MAX)?;
    let (checkpoint, key) = keys.open(&bytes).map_err(|error| failed(&file, error))?;
    if checkpoint.origin != format!("{}/{log}", key.name()) {
        return Err(failed(&file, format!("it is of {}", checkpoint.origin)));
    }
    String::from_utf8(bytes).map(Some).map_err(|error| failed(&file, error))
}

/// Whether a request is about a checkpoint that this key signed.
fn is_signed_by(request: &[u8], key: &VerifierKey) -> bool {
    Growth::parse_request(request).is_ok_and(|(_, note)| Checkpoint::open(note.as_bytes(), key).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merkle;
    use crate::signer::sign_checkpoint;

    struct World {
        folder: tempfile::TempDir,
        log: FileKey,
        now: Timestamp,
    }

    impl World {
        fn new() -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            let log = FileKey::open(&folder.path().join("log.pem"), "evidence.x").expect("a key");
            Self { folder, log, now: "2027-01-11T09:00:00Z".parse().expect("a moment") }
        }

        fn dir(&self, name: &str) -> PathBuf {
            self.folder.path().join(name)
        }

        fn witness(&self) -> Witness {
            let key = self.log.vkey().to_string();
            Witness::init(&self.dir("witness"), "compliance.x/witness-1", &key).expect("a witness")
        }

        /// Shows the first `size` of these letters as a log that has grown from `old`.
        fn show(&self, log: &str, letters: &str, old: u64) {
            let leaves: Vec<Digest> = letters.bytes().map(|letter| merkle::leaf_hash(&[letter])).collect();
            let size = leaves.len() as u64;
            let checkpoint =
                Checkpoint { origin: format!("evidence.x/{log}"), size, root: merkle::root(&leaves) };
            let note = sign_checkpoint(&self.log, &checkpoint).expect("signed");
            let growth = Growth::new(&leaves, old).expect("a proof");
            write(&path(&self.dir("shown").join(log), size, REQUEST), growth.request(&note).as_bytes())
                .expect("written");
        }

        fn cosign(&self, witness: &mut Witness) -> Cosigned {
            witness.cosign(&self.dir("shown"), &self.dir("out"), self.now).expect("read")
        }
    }

    #[test]
    fn growth_is_cosigned_once_and_remembered() {
        let world = World::new();
        let mut witness = world.witness();
        world.show("site/HRB01", "abc", 0);
        world.show("site/HRB01", "abcde", 3);
        world.show("org", "x", 0);
        let done = world.cosign(&mut witness);
        assert_eq!(done.cosigned, [("org".to_owned(), 1), ("site/HRB01".to_owned(), 5)]);
        assert!(done.refused.is_empty(), "{done:?}");
        let again = world.cosign(&mut Witness::open(&world.dir("witness")).expect("the same"));
        assert_eq!(again, Cosigned { unchanged: 2, ..Cosigned::default() });
        let file = path(&world.dir("out/site/HRB01"), 5, COSIGNED);
        let note = SignedNote::parse(&std::fs::read(file).expect("cosigned")).expect("a note");
        assert!(note.verified(world.log.vkey()).is_ok());
        assert_eq!(witness.public().cosigned(&note), Ok(1_799_658_000));
        assert_eq!(witness.verify().expect("holds").len(), 2);
        assert!(Witness::init(&world.dir("witness"), "x", &world.log.vkey().to_string()).is_err());
    }

    #[test]
    fn everything_but_growth_is_refused_and_stops_no_other_log() {
        let cases: [(&str, &str, u64, &str); 4] = [
            ("abXde", "rewritten", 3, "does not continue the 3 entries"),
            ("aX", "smaller", 0, "shows 2 entries where 3 were cosigned"),
            ("abX", "another version", 0, "another version of it was cosigned before"),
            ("abcde", "a proof from elsewhere", 2, "its proof begins at 2 entries, but 3 were cosigned"),
        ];
        for (letters, what, old, words) in cases {
            let world = World::new();
            let mut witness = world.witness();
            world.show("site/HRB01", "abc", 0);
            world.cosign(&mut witness);
            std::fs::remove_dir_all(world.dir("shown")).expect("a new folder");
            world.show("site/HRB01", letters, old);
            world.show("org", "x", 0);
            let done = world.cosign(&mut witness);
            assert_eq!(done.cosigned, [("org".to_owned(), 1)], "{what}");
            assert!(done.refused.len() == 1 && done.refused[0].contains(words), "{what}: {done:?}");
            assert!(
                !path(&world.dir("out/site/HRB01"), letters.len() as u64, COSIGNED).exists()
                    || letters.len() == 3
            );
            let kept = witness.verify().expect("what was cosigned stands");
            assert!(kept.contains(&("evidence.x/site/HRB01".to_owned(), 3)), "{what}");
        }
    }

    #[test]
    fn strangers_and_garbage_are_refused() {
        let mut world = World::new();
        let mut witness = world.witness();
        world.log = FileKey::open(&world.dir("other.pem"), "evidence.x").expect("a key");
        world.show("org", "x", 0);
        write(&path(&world.dir("shown/account"), 1, REQUEST), b"old 0\n").expect("written");
        let done = world.cosign(&mut witness);
        assert!(done.cosigned.is_empty() && done.refused.len() == 2, "{done:?}");
    }

    #[test]
    fn a_changed_state_is_noticed() {
        let world = World::new();
        let mut witness = world.witness();
        world.show("org", "xy", 0);
        world.cosign(&mut witness);
        let file = world.dir("witness").join(STATE_FILE);
        let text = std::fs::read_to_string(&file).expect("the state");
        std::fs::write(&file, text.replace("\"size\": 2", "\"size\": 1")).expect("written");
        let witness = Witness::open(&world.dir("witness")).expect("opens");
        assert!(matches!(witness.verify(), Err(Failure::NotVerified { .. })));
    }

    #[test]
    fn heads_that_shrink_are_refused() {
        use crate::evidence::heads::{HEADS_KIND, HeadsRoll, NamelessHead};
        use crate::evidence::tlog_proof::TlogProof;
        use crate::ops::checkpoints::{HEADS, heads::ShownHeads};
        let world = World::new();
        let mut witness = world.witness();
        let head = |log: &str, size| NamelessHead {
            log: Digest::of(log.as_bytes()),
            size,
            root: Digest::of(format!("{log}{size}").as_bytes()),
        };
        let mut lines: Vec<String> = Vec::new();
        let mut show = |heads: Vec<NamelessHead>, shown: Vec<NamelessHead>| {
            let body = HeadsRoll::of(heads).body().to_value();
            let entry = serde_json::json!({
                "v": 1, "log": "org", "seq": lines.len(), "at": "2027-01-11T09:00:00.000Z", "kind": HEADS_KIND,
                "actor": {"type": "person", "id": "ann"}, "body": body, "salt": "0".repeat(32),
            });
            let old = lines.len() as u64;
            lines.push(entry.to_string());
            let leaves: Vec<Digest> = lines.iter().map(|line| merkle::leaf_hash(line.as_bytes())).collect();
            let note = sign_checkpoint(&world.log, &Checkpoint::over("evidence.x/org".into(), &lines))
                .expect("signed");
            let growth = Growth::new(&leaves, old).expect("a proof");
            let (folder, size) = (world.dir("shown/org"), old + 1);
            write(&path(&folder, size, REQUEST), growth.request(&note).as_bytes()).expect("written");
            let proof = TlogProof::of_last(&lines, note).expect("a proof").text();
            let shown = ShownHeads { line: lines[lines.len() - 1].clone(), proof, heads: shown };
            write(&path(&folder, size, HEADS), &serde_json::to_vec(&shown).expect("JSON")).expect("written");
        };
        let first = vec![head("a", 3), head("b", 4)];
        show(first.clone(), first.clone());
        assert_eq!(world.cosign(&mut witness).cosigned, [("org".to_owned(), 1)]);
        let grown = vec![head("a", 5), head("b", 4), head("c", 1)];
        show(grown.clone(), grown);
        assert_eq!(world.cosign(&mut witness).cosigned, [("org".to_owned(), 2)]);
        let cut = vec![head("a", 4), head("b", 4), head("c", 1)];
        show(cut.clone(), cut);
        let done = world.cosign(&mut Witness::open(&world.dir("witness")).expect("the same"));
        assert!(done.refused[0].contains("has 4 entries where 5 were shown"), "{done:?}");

        // The same over HTTP: the heads are shown before the request.
        let key = world.log.vkey().to_string();
        let mut witness =
            Witness::init(&world.dir("remote"), "compliance.x/witness-2", &key).expect("a witness");
        let file = |size, kind| std::fs::read(path(&world.dir("shown/org"), size, kind)).expect("shown");
        for (size, status) in [(1, 200), (2, 200), (3, 422), (3, 422)] {
            let shown = witness.show_heads(&file(size, HEADS)).expect("answered").status();
            let added = witness.add(&file(size, REQUEST), world.now).expect("answered").status();
            assert_eq!((shown, added), (status, status), "at {size}");
            // What was refused once stays refused, whatever is shown afterwards.
            witness = Witness::open(&world.dir("remote")).expect("the same");
        }
        assert_eq!(witness.add(&file(3, REQUEST), world.now).expect("answered").status(), 422);
        assert_eq!(witness.verify().expect("holds"), [("evidence.x/org".to_owned(), 2)]);
        let mut forged: serde_json::Value = serde_json::from_slice(&file(2, HEADS)).expect("JSON");
        forged["heads"].as_array_mut().expect("heads").pop();
        assert_eq!(witness.show_heads(forged.to_string().as_bytes()).expect("answered").status(), 422);
        assert_eq!(witness.show_heads(b"{}").expect("answered").status(), 400);
        let other =
            FileKey::open(&world.dir("stranger.pem"), "evidence.x").expect("a key").vkey().to_string();
        let mut witness =
            Witness::init(&world.dir("other"), "compliance.x/witness-3", &other).expect("a witness");
        assert_eq!(witness.show_heads(&file(1, HEADS)).expect("answered").status(), 403);
    }
}
