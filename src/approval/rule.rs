//! The rules by which a decision does not count, each with a word for programs and a sentence for people.

use crate::base::id::{PersonId, RoleName};
use crate::evidence::sshsig::people::BadSignature;

/// The rule by which a decision does not count.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Rule {
    /// The subject's digest is another one: something changed, or it is about something else.
    #[error("it is about something else: what is decided now has another digest")]
    OtherDigest,
    /// It is about another sort of thing, another name or another scope.
    #[error("it is about something else: its subject is another one")]
    OtherSubject,
    /// It covers other parts of the plan than are asked about.
    #[error("it covers other parts of the plan, and not this one")]
    OtherPart,
    /// It was made in another estate.
    #[error("it was made for another estate")]
    OtherEstate,
    /// It stands in a log where decisions about its subject do not belong.
    #[error("it stands in a log that is not its subject's")]
    OtherLog,
    /// It has a format that this program does not know.
    #[error("it has a newer format: install a newer landfall")]
    NewerFormat,
    /// The signature is wrong.
    #[error("its signature does not count: {0}")]
    Signature(BadSignature),
    /// The signature is by another key than the entry names.
    #[error("its signature is by another key than the entry names")]
    OtherKey,
    /// The org log does not know the key.
    #[error("its key was never enrolled: landfall roles enrol does that")]
    KeyNotEnrolled,
    /// The key is enrolled for somebody else.
    #[error("its key belongs to {of}")]
    KeyOfAnother {
        /// Whose it is.
        of: PersonId,
    },
    /// The key was enrolled only later.
    #[error("its key was enrolled only after it was made")]
    KeyEnrolledLater,
    /// The key was retired before it was recorded.
    #[error("its key was retired before it was recorded")]
    KeyRetired,
    /// The files do not name the key any more.
    #[error("its key is not in sites/people.toml any more")]
    KeyNotDeclared,
    /// It was made on a day on which the key does not count.
    #[error("it was made on a day on which its key does not count")]
    KeyNotValid,
    /// The key is revoked.
    #[error("its key is revoked")]
    KeyRevoked,
    /// Nobody knows the person.
    #[error("nobody of this name is in sites/people.toml")]
    UnknownPerson,
    /// A program made it.
    #[error("automation can never decide")]
    Automation,
    /// It says that it was made after it was recorded.
    #[error("it says that it was made after it was recorded")]
    FromTheFuture,
    /// The same statement was recorded before.
    #[error("it was recorded before, and counts once")]
    Repeated,
    /// The meaning is empty.
    #[error("it does not say what it means")]
    NoMeaning,
    /// It needs a reason and has none.
    #[error("it gives no reason")]
    NoReason,
    /// It lets something pass and has no end.
    #[error("it has no end")]
    NoEnd,
    /// The site keeps electronic records, and it is none.
    #[error("its site keeps electronic records, and it has no printed name, meaning and challenge")]
    NotElectronic,
    /// It is an electronic record that lacks something.
    #[error("as an electronic record it lacks {0}")]
    Incomplete(&'static str),
    /// Nobody gave its challenge out, or to somebody else, or about something else.
    #[error("its challenge was not given to its signer for this")]
    ChallengeUnknown,
    /// Its challenge is too old.
    #[error("it was recorded too long after its challenge was given")]
    ChallengeExpired,
    /// Its challenge was answered before.
    #[error("its challenge was answered before, and each is good for one signature")]
    ChallengeUsed,
    /// It does not count any more.
    #[error("it has expired")]
    Expired,
    /// The same person took it back.
    #[error("it was withdrawn")]
    Withdrawn,
    /// The act is not an answer to what is asked.
    #[error("it is no answer to what is asked")]
    OtherAct,
    /// The role is not among those that are asked.
    #[error("the role {0} is not asked")]
    RoleNotAsked(RoleName),
    /// The person did not hold the role there, on that day.
    #[error("{person} did not hold the role {role} for it on that day")]
    RoleNotHeld {
        /// Who.
        person: PersonId,
        /// Which role.
        role: RoleName,
    },
    /// They say that they stand in for somebody for whom they do not.
    #[error("{person} did not stand in for {of} on that day")]
    NotStandingIn {
        /// Who.
        person: PersonId,
        /// For whom they said.
        of: PersonId,
    },
    /// They asked for it themselves.
    #[error("{0} asked for it, and who asks does not decide")]
    Requester(PersonId),
    /// They built it themselves.
    #[error("{0} built it, and who builds does not decide")]
    Builder(PersonId),
    /// They stand in for who asked for it.
    #[error("{of} asked for it, and who stands in for {of} does not decide either")]
    StandsInForRequester {
        /// Who asked.
        of: PersonId,
    },
    /// They stand in for who built it.
    #[error("{of} built it, and who stands in for {of} does not decide either")]
    StandsInForBuilder {
        /// Who built.
        of: PersonId,
    },
    /// They fill another seat already.
    #[error("{0} has another seat already: each needs another person")]
    SamePerson(PersonId),
    /// They hold roles that exclude each other.
    #[error("{person} also holds {other}, which one person cannot hold together with {role}")]
    ConflictingRoles {
        /// Who.
        person: PersonId,
        /// The role they signed in.
        role: RoleName,
        /// The other.
        other: RoleName,
    },
    /// They are no clinician, and only those decide it.
    #[error("only a clinician decides it, and {0} is none")]
    NotClinician(PersonId),
    /// It does not name a step that cannot be undone.
    #[error("it does not name a step that cannot be undone: {0}")]
    OneWayNotNamed(String),
    /// It names steps by a pattern.
    #[error("steps that cannot be undone are named one by one, and `{0}` is a pattern")]
    Wildcard(String),
}

impl Rule {
    /// A word that stays the same, for programs.
    pub fn word(&self) -> &'static str {
        match self {
            Rule::OtherDigest => "other-digest",
            Rule::OtherSubject => "other-subject",
            Rule::OtherPart => "other-part",
            Rule::OtherEstate => "other-estate",
            Rule::OtherLog => "other-log",
            Rule::NewerFormat => "newer-format",
            Rule::Signature(BadSignature::Malformed) => "signature-malformed",
            Rule::Signature(BadSignature::OtherKey) => "signature-other-key",
            Rule::Signature(BadSignature::OtherNamespace) => "other-namespace",
            Rule::Signature(BadSignature::DoesNotFit) => "signature-does-not-fit",
            Rule::Signature(BadSignature::NobodyThere) => "nobody-there",
            Rule::OtherKey => "other-key",
            Rule::KeyNotEnrolled => "key-not-enrolled",
            Rule::KeyOfAnother { .. } => "key-of-another",
            Rule::KeyEnrolledLater => "key-enrolled-later",
            Rule::KeyRetired => "key-retired",
            Rule::KeyNotDeclared => "key-not-declared",
            Rule::KeyNotValid => "key-not-valid",
            Rule::KeyRevoked => "key-revoked",
            Rule::UnknownPerson => "unknown-person",
            Rule::Automation => "automation",
            Rule::FromTheFuture => "from-the-future",
            Rule::Repeated => "repeated",
            Rule::NoMeaning => "no-meaning",
            Rule::NoReason => "no-reason",
            Rule::NoEnd => "no-end",
            Rule::NotElectronic => "not-electronic",
            Rule::Incomplete(_) => "record-incomplete",
            Rule::ChallengeUnknown => "challenge-unknown",
            Rule::ChallengeExpired => "challenge-expired",
            Rule::ChallengeUsed => "challenge-used",
            Rule::Expired => "expired",
            Rule::Withdrawn => "withdrawn",
            Rule::OtherAct => "other-act",
            Rule::RoleNotAsked(_) => "role-not-asked",
            Rule::RoleNotHeld { .. } => "role-not-held",
            Rule::NotStandingIn { .. } => "not-standing-in",
            Rule::Requester(_) => "requester",
            Rule::Builder(_) => "builder",
            Rule::StandsInForRequester { .. } => "stands-in-for-requester",
            Rule::StandsInForBuilder { .. } => "stands-in-for-builder",
            Rule::SamePerson(_) => "same-person",
            Rule::ConflictingRoles { .. } => "conflicting-roles",
            Rule::NotClinician(_) => "not-clinician",
            Rule::OneWayNotNamed(_) => "one-way-not-named",
            Rule::Wildcard(_) => "wildcard",
        }
    }
}
