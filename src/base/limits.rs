//! Every limit of the product, each with its reason. A list, loop, size or wait without a limit is a defect.

use super::time::Millis;

/// A TOML or template file: the largest hand-written file seen is under 100 KB; more is a mistake or an attack.
pub const INPUT_FILE_BYTES_MAX: u64 = 1 << 20;
/// Files of an estate and its packs together.
pub const INPUT_FILES_MAX: usize = 20_000;
/// Depth of folders below `sites/` and `templates/`.
pub const INPUT_DEPTH_MAX: usize = 8;
/// Text rendered from one template: a pack that renders more loops over something it should not.
pub const RENDERED_BYTES_MAX: usize = 8 << 20;
/// The same text with notes in it about where its values come from: each note is some tens of bytes.
pub const TRACED_BYTES_MAX: usize = 8 * RENDERED_BYTES_MAX;
/// Differing steps that are listed for one pattern of sites; the rest is counted. Nobody reads more.
pub const PATTERN_DIFFERENCES_MAX: usize = 200;
/// Places that are shown for one limit of a service, those with the least room: a plan with a thousand catalogs has as
/// many places under the limit of schemas.
pub const ROOMS_PER_QUOTA_MAX: usize = 4;
/// Days that a plan may wait before it is applied, unless the estate says otherwise: a month is about the time between
/// two waves, and what people looked at before that is no longer in their minds.
pub const PLAN_VALID_DAYS: u32 = 30;
/// The most that an estate may say: longer than a year nobody would remember what was approved.
pub const PLAN_VALID_DAYS_MAX: u32 = 366;
/// An hour.
pub const HOUR: Millis = Millis(3_600_000);
/// A day.
pub const DAY: Millis = Millis(86_400_000);
/// Steps of one scope.
pub const STEPS_PER_SCOPE_MAX: usize = 5_000;
/// A line of a log, without its newline: C2SP tile entry bundles hold entries under 64 KiB.
pub const ENTRY_BYTES_MAX: usize = 65_535;
/// Files of a launch that are stored in one durable step: those of a hundred sites, so that a thousand need some ten steps
/// and never more memory than this.
pub const LAUNCH_FILES_BYTES_AT_ONCE: usize = 32 << 20;
/// A saved plan as JSON: 1,000 sites of 60 steps are about 60 MB.
pub const PLAN_BYTES_MAX: u64 = 512 << 20;
/// A blob: as much as a plan, which is the largest by far; SQLite takes a thousand million bytes.
pub const BLOB_BYTES_MAX: usize = 512 << 20;
/// A file that people hand in, or a list that a service gives: documents and tables of a site.
pub const RECORD_BYTES_MAX: usize = 16 << 20;
/// Body of an HTTP answer that is read: a list page of the APIs we call is below 5 MB.
pub const HTTP_BODY_BYTES_MAX: usize = 32 << 20;
/// A header of an HTTP answer that is kept: request ids and dates are below 100 bytes.
pub const HTTP_HEADER_BYTES_MAX: usize = 200;
/// Pages of one list call; a server that goes on for longer is broken.
pub const LIST_PAGES_MAX: usize = 10_000;
/// Items of one list call: the largest published quota (tables of a metastore aside) is 100,000 volumes.
pub const LIST_ITEMS_MAX: usize = 200_000;
/// An id that a service gave: the longest are names of three parts of 255 bytes each.
pub const ID_BYTES_MAX: usize = 1_024;
/// Of a service's own error message, in characters: enough to name the object, too little to spill data.
pub const ERROR_MESSAGE_CHARS_MAX: usize = 300;
/// Time before its end at which a token counts as ended, as in the official SDKs.
pub const TOKEN_MARGIN: Millis = Millis::from_secs(40);
/// Longest lifetime of a token that is believed.
pub const TOKEN_LIFETIME_MAX: Millis = Millis::from_secs(24 * 60 * 60);
/// A `~/.databrickscfg`: hundreds of profiles fit into a tenth of it.
pub const PROFILE_FILE_BYTES_MAX: u64 = 1 << 20;
/// Time for one outward call where the target does not say otherwise (official SDKs use 60 s).
pub const CALL_TIMEOUT: Millis = Millis::from_secs(60);
/// Margin after a call's deadline before its outcome is looked for: clocks and queues are not exact.
pub const IN_DOUBT_MARGIN: Millis = Millis(250);
/// Tries of one step's call before it counts as failed (busy answers and unreadable objects).
pub const ATTEMPTS_MAX: u32 = 8;
/// First rest after a busy answer; doubles each time.
pub const RETRY_BASE: Millis = Millis(500);
/// Longest rest between tries.
pub const RETRY_CAP: Millis = Millis::from_secs(60);
/// Times that one read is sent to a service that says it is busy: each time the whole lane slows down, so more of them
/// mean that somebody else uses up what it takes.
pub const READ_TRIES_BUSY_MAX: u32 = 12;
/// Times that one read is sent to a service that falls over or says nothing: some eight seconds of rests, in which a host
/// that was restarted is back, and which nobody minds where the address is wrong.
pub const READ_TRIES_SILENT_MAX: u32 = 5;
/// All rests between the tries of one read: who waits for longer than that wants to be told instead.
pub const READ_REST_MAX: Millis = Millis::from_secs(15 * 60);
/// Looks at a full lane by one read that waits for its turn: its lane moves on with each, so a hundred are more than enough.
pub const READ_TURNS_MAX: usize = 1_000;
/// How long reads wait before somebody is told, and how often: who looks at a screen for ten seconds begins to wonder.
pub const READ_TOLD_EVERY: Millis = Millis::from_secs(10);
/// Longest `Retry-After` that is believed; a longer one is cut to this.
pub const RETRY_AFTER_MAX: Millis = Millis::from_secs(15 * 60);
/// How long an object may show something else than what was just applied (TF polls grants for a minute).
pub const SETTLE_MAX: Millis = Millis::from_secs(120);
/// Longest time between two looks at an object that settles: a person who waits should see it end.
pub const SETTLE_POLL_MAX: Millis = Millis::from_secs(10);
/// Calls of one step without an answer before no further one is sent: by then it is the network, not the call.
pub const DOUBTS_MAX: u32 = 8;
/// Updates that may follow one create: the worst kind seen takes owner, isolation and bindings one by one.
pub const FOLLOW_UPS_MAX: u32 = 6;
/// How long a follow-up is given to show before the next one is sent: reads lag behind writes by about a second.
pub const FOLLOW_UP_REST: Millis = Millis::from_secs(2);
/// How long a lease lasts without renewal.
pub const LEASE: Millis = Millis::from_secs(30);
/// How far away the next moment of a launch may be for its process to wait for it; beyond that it leaves, and the launch
/// is taken up again when its moment has come. Two minutes are less than a person's patience and more than any poll.
pub const WAIT_IN_PROCESS: Millis = Millis::from_secs(2 * 60);
/// Time between two looks at what others want of a launch that runs here: a person who types `pause` waits for it.
pub const ASKS_EVERY: Millis = Millis::from_secs(2);
/// Wishes that wait for an answer: hundreds mean that nobody runs the launch, and a script leaves them.
pub const ASKS_MAX: usize = 256;
/// A wish as JSON: a reason of a page, or the codes of hundreds of sites.
pub const ASK_BYTES_MAX: usize = 16 << 10;
/// Reads of one check in one look at sites that bake that follow each other closely; after them one a minute.
pub const BAKE_READS_SOON: u32 = 4;
/// Reads of one check in one look: half an hour without an answer, and nobody can say any more that it holds.
pub const BAKE_READS_MAX: u32 = 34;
/// Calls under way at once over the whole process, unless the target says otherwise.
pub const CALLS_MAX: usize = 32;
/// Calls at once that a target may ask for: each holds a connection, and a process has a thousand of them by default.
pub const CALLS_AT_ONCE_MAX: u32 = 900;
/// Files of a bundle.
pub const BUNDLE_FILES_MAX: usize = 200_000;
/// One file of a bundle that the verifier reads.
pub const BUNDLE_FILE_BYTES_MAX: u64 = 1 << 30;
/// Problems reported from one file that cannot be parsed: after these, the rest is echo.
pub const PROBLEMS_PER_FILE_MAX: usize = 20;
/// Blocks and brackets nested in one template; the parser behind it recurses.
pub const TEMPLATE_NESTING_MAX: usize = 32;
/// Body of a request to the sandbox: the APIs it fakes take far less.
pub const SANDBOX_BODY_BYTES_MAX: usize = 4 << 20;
/// Requests the sandbox remembers, and paths it counts: a wave of 50 sites makes some 20,000.
pub const SANDBOX_REQUESTS_MAX: usize = 200_000;
/// Tokens of the sandbox that are good at once; each is looked at for every request.
pub const SANDBOX_TOKENS_MAX: usize = 1_000;
/// Fault rules of the sandbox; each is looked at for every request.
pub const SANDBOX_FAULTS_MAX: usize = 1_000;
/// Heads of logs that an entry lists one by one, at less than 200 bytes each; of more it holds the root of a tree of them.
pub const HEADS_LISTED_MAX: usize = 256;
/// How old sealed heads may be for another export to rest on them: a day of silence is to be seen in the org log.
pub const HEADS_AGE_MAX: Millis = DAY;
/// How many times its own size an archive of a bundle may unpack to: JSON shrinks to a tenth, hardly ever to a hundredth.
pub const ARCHIVE_GROWTH_MAX: u64 = 200;
/// What any archive may unpack to, however small it is: an archive comes in blocks.
pub const ARCHIVE_SPARE_BYTES: u64 = 1 << 20;
/// Bundles that are written before they are made durable and recorded together.
pub const EXPORT_BATCH_MAX: usize = 64;
/// Bundles that are made at the same time: there are rarely more cores that have nothing better to do.
pub const EXPORTS_AT_ONCE_MAX: usize = 8;
/// Bundles that one command verifies: twice the sites of the largest estate, as folders and as archives.
pub const BUNDLES_VERIFIED_MAX: usize = 10_000;
/// Bundles that are verified before their verdicts are printed.
pub const VERIFY_BATCH_MAX: usize = 64;
/// Limits of families that a sandbox has: there are a few dozen families.
pub const SANDBOX_LIMITS_MAX: usize = 100;
/// All files of a bundle together, as the verifier holds them in memory.
pub const BUNDLE_BYTES_MAX: u64 = 4 << 30;
/// Depth of folders in a bundle: rendered files are the deepest.
pub const BUNDLE_DEPTH_MAX: usize = 16;
/// Turns of nested loops in one template: a loop that prints nothing has no other end. Real packs stay below 10,000.
pub const LOOP_TURNS_MAX: usize = 1_000_000;
/// Turns that are assumed for a loop over what only rendering can tell.
pub const LOOP_TURNS_UNKNOWN: usize = 1_000;
/// Audit events the sandbox keeps: a few waves of fifty sites, so that whoever changed something last week is still known.
pub const SANDBOX_AUDIT_EVENTS_MAX: u64 = 50_000;
/// Audit events in one answer of the sandbox; an answer stays far below what a client takes.
pub const SANDBOX_AUDIT_PAGE: usize = 1_000;
/// Texts of one audit event by which an object can be found: more than any call has in ids and names.
pub const SANDBOX_AUDIT_SUBJECTS_MAX: usize = 64;
/// Pages of audit events that are read at once: all that a sandbox keeps.
pub const AUDIT_PAGES_MAX: usize = 50;
/// How far the clocks of a log and of an audit log may be apart, for an event to count as a change of the log: services
/// keep time to well below a minute, and a retry of the same call comes sooner than this only after a lost answer.
pub const AUDIT_CLOCK_MARGIN: Millis = Millis::from_secs(120);
/// Characters of one cell of a population: names of services have at most 255, lists of tags a few hundred. What is longer
/// is named by its digest.
pub const POPULATION_CELL_CHARS_MAX: usize = 2_000;
/// Calls of one population that its entry tells one by one; an entry has to stay below 64 KiB, and each takes about 250
/// bytes. The others are counted.
pub const POPULATION_CALLS_MAX: usize = 120;
/// Tables of one site whose lineage is asked for, gold and what they were made from: ten product lines in three
/// environments have some hundreds; what comes after is said to be left out.
pub const LINEAGE_TABLES_MAX: usize = 5_000;
/// Rows of lineage that are put into the sandbox at once; an answer that holds them stays below what a client takes.
pub const SANDBOX_LINEAGE_ROWS_MAX: usize = 10_000;
/// How long a challenge waits for its signature: time enough to sign by hand on another machine, too short to be kept for
/// another day.
pub const CHALLENGE_AGE_MAX: Millis = Millis::from_secs(10 * 60);
/// Letters of a signer's printed name: longer ones are no names.
pub const PRINTED_NAME_CHARS_MAX: usize = 200;
/// A file of a committee packet: a hundred pages of words are below it.
pub const PACKET_FILE_BYTES_MAX: u64 = 256 << 10;
/// Rows of a table of subgroups: a committee reads a page or two of them.
pub const PACKET_SUBGROUPS_MAX: usize = 500;
/// Sampled items of one population: what auditors take of a control that works daily.
pub const POPULATION_SAMPLE: usize = 25;
/// Differences of one reconciliation that are listed; the rest is counted. Who has more has another problem than a list.
pub const POPULATION_DIFFERENCES_MAX: usize = 500;
/// The file with an identity provider's users, or a register of leavers: a hundred thousand people are below 50 MB.
pub const PEOPLE_FILE_BYTES_MAX: u64 = 64 << 20;
/// Longest stall of a fault rule: longer than any client waits.
pub const SANDBOX_STALL_MAX: Millis = Millis::from_secs(15 * 60);
/// A file with a signed note: checkpoints are below 2 KiB, the marks of what was handed on below 50 bytes a log.
pub const NOTE_FILE_BYTES_MAX: u64 = 1 << 20;
/// A bundle's list of files: as many as a bundle can have, with paths of the greatest length.
pub const SUMS_BYTES_MAX: u64 = 64 << 20;
/// Checkpoints of one log, and logs, that are looked through: ten a day for twenty years.
pub const CHECKPOINTS_MAX: usize = 200_000;
/// How long a program may take to take in one checkpoint: a launch waits for it.
pub const HOOK_TIMEOUT: Millis = Millis::from_secs(30);
/// Time between two looks at whether it has ended.
pub const HOOK_POLL: Millis = Millis(20);
/// How far ahead a calendar is searched for an opening: a year, so that both nights on which clocks change are in it, and
/// a month for a freeze at its end.
pub const CALENDAR_DAYS_MAX: u32 = 400;
/// Change windows of one site: one a day in two zones and then some; every one is looked at for every opening.
pub const WINDOWS_MAX: usize = 32;
/// Freezes of an estate: one a month for ten years.
pub const FREEZES_MAX: usize = 120;
/// Openings that are listed at once: a window a day for as far as the search goes.
pub const OPENINGS_MAX: usize = 400;
/// Lanes that calls are paced in: two workspaces of two thousand sites with four families of calls each.
pub const PACING_LANES_MAX: usize = 16_384;
/// Rest after a call that was one too many, where the service names none; doubles while nothing else is answered.
pub const PACING_REST: Millis = Millis::from_secs(1);
/// How long the first call after such a rest is waited for before the second goes out.
pub const PACING_TRIAL: Millis = Millis::from_secs(1);
/// Time between two steps of a rate that recovers: long enough for a service that counts by the second.
pub const PACING_STEP: Millis = Millis::from_secs(1);
/// How long a rate must hold before it counts as taken by the service: its bucket must have had time to run dry.
pub const PACING_HOLD: Millis = Millis::from_secs(10);
/// Calls that must have been answered in that time: slow rates prove little in ten seconds.
pub const PACING_HOLD_CALLS: u32 = 8;
/// Time without a refusal after which more is tried again: one refusal in two minutes harms nobody.
pub const PACING_PROBE_EVERY: Millis = Millis::from_secs(120);
/// The slowest that refusals can make a lane, as a part of its published rate.
pub const PACING_RATE_DIVISOR_MAX: u64 = 64;
/// Measured times of one kind and operation that are kept: a median of more says the same, only later.
pub const DURATION_SAMPLES_MAX: usize = 101;
/// Measured times from which on their median is believed more than a table: one can be chance, two no majority.
pub const DURATION_SAMPLES_MIN: usize = 3;
/// Time after which a barred wave is judged again while a process stays: people close criteria within minutes at best.
pub const JUDGE_EVERY: Millis = Millis::from_secs(10 * 60);
/// Time from a look at a site that found something broken to the one that confirms it: reads lag by seconds, and grants
/// have been seen to take a minute.
pub const BAKE_CONFIRM_AFTER: Millis = Millis::from_secs(60);
/// Shortest time between two looks at sites that bake: one look takes about as long.
pub const BAKE_LOOK_EVERY_MIN: Millis = Millis::from_secs(1);
/// Looks in one bake time: every quarter of an hour for ten days. Each is an entry of the log.
pub const BAKE_LOOKS_MAX: u64 = 1_000;
/// Links of one chain of reasons: from a site over places, waves and other sites to a step and its service, twice over.
pub const CHAIN_LINKS_MAX: usize = 24;
/// Chains of reasons that are told of one scope: who has mended three sees the next three.
pub const CHAINS_MAX: usize = 3;
/// Sites from which on a page shows waves, and of the sites only those that somebody has to know of.
pub const STATUS_SITES_MAX: usize = 24;
/// Shortest time between two looks of `--watch`: each reads the logs.
pub const WATCH_EVERY_MIN: Millis = Millis::from_secs(1);
/// Calendar days that a site may take where the estate does not say otherwise: sites two and three took under two weeks.
pub const SITE_DAYS_MAX: u32 = 14;
/// Places that are told of what happens: each is asked at the end of every launch.
pub const NOTIFY_SINKS_MAX: usize = 16;
/// Time for one notice to be taken: a receiver that queues answers within one second.
pub const NOTIFY_TIMEOUT: Millis = Millis::from_secs(10);
/// Time for all notices at the end of a launch: a person waits for it.
pub const NOTIFY_BUDGET: Millis = Millis::from_secs(5);
/// Time for all notices where delivering them is what was asked for.
pub const NOTIFY_FLUSH_BUDGET: Millis = Millis::from_secs(120);
/// First rest after a notice was not taken; doubles each time.
pub const NOTIFY_RETRY_BASE: Millis = Millis::from_secs(30);
/// Longest rest: a receiver that is mended is told within the hour.
pub const NOTIFY_RETRY_CAP: Millis = Millis::from_secs(60 * 60);
/// Longest `Retry-After` of a receiver that is believed.
pub const NOTIFY_RETRY_AFTER_MAX: Millis = Millis::from_secs(24 * 60 * 60);
/// Age at which a notice that nobody took is given up: a long weekend and a day to mend it.
pub const NOTICE_AGE_MAX: Millis = Millis::from_secs(5 * 24 * 60 * 60);
/// Notices of one delivery to one place; the rest goes with the next one.
pub const NOTICES_MAX: usize = 10_000;
/// A file of notices: a hundred thousand of them; by then it was forgotten.
pub const NOTICE_FILE_BYTES_MAX: u64 = 64 << 20;
/// The file with a sink's cursor: below 100 bytes for each log.
pub const CURSOR_FILE_BYTES_MAX: u64 = 4 << 20;
/// A secret behind a reference: keys and tokens are below 4 KiB.
pub const SECRET_BYTES_MAX: u64 = 4 << 10;
/// How long a program may take to print a secret.
pub const SECRET_TIMEOUT: Millis = Millis::from_secs(10);
/// Fewest bytes of a key that signs notices (Standard Webhooks asks for 24 to 64).
pub const NOTIFY_KEY_BYTES_MIN: usize = 24;
/// How long drift may be accepted at once: a quarter is how often exceptions are reviewed.
pub const DRIFT_ACCEPTED_MAX: Millis = Millis::from_secs(92 * 24 * 60 * 60);
/// Fields of one object's drift that an entry lists, and the longest value it holds: more than what a person reads, and
/// an entry has to stay below its own limit.
pub const DRIFT_FIELDS_MAX: usize = 16;
/// Longest value of a field in an entry about drift, as JSON; a longer one is recorded by its digest alone.
pub const DRIFT_VALUE_BYTES_MAX: usize = 1_024;
/// Sites of a generated estate: five times what the largest organisation has, and what its address plan and its list of
/// names have room for.
pub const INIT_SITES_MAX: u32 = 5_000;
/// An answer of a ticket system that is read: a ticket with hundreds of comments is below 1 MB.
pub const TICKET_BODY_BYTES_MAX: usize = 4 << 20;
/// Deadline of one call to a ticket system: slow ones take some seconds, and a person waits for it.
pub const TICKET_TIMEOUT: Millis = Millis::from_secs(15);
/// Times that a ticket is asked for before it counts as one that cannot be read.
pub const TICKET_READS_MAX: u32 = 3;
/// Rest between two of them, unless the system names another.
pub const TICKET_REST: Millis = Millis(500);
/// Longest rest that a ticket system can ask for: a person waits.
pub const TICKET_REST_MAX: Millis = Millis::from_secs(5);
/// Approvals of one ticket that are looked at: boards have a dozen people.
pub const TICKET_APPROVALS_MAX: usize = 200;
/// Texts inside one ticket that are looked through, and their depth: comments are documents of some levels.
pub const TICKET_TEXTS_MAX: usize = 20_000;
/// See [`TICKET_TEXTS_MAX`].
pub const TICKET_DEPTH_MAX: usize = 32;
/// Longest word of a ticket that is kept, such as its state or a name.
pub const TICKET_WORD_BYTES_MAX: usize = 120;
/// How far the clock of a ticket system may be from ours.
pub const TICKET_CLOCK_SKEW: Millis = Millis::from_secs(5 * 60);
/// Working days after its launch until a board must have looked at an emergency change.
pub const EMERGENCY_REVIEW_DAYS: u32 = 2;
/// Longest title of a change: a line.
pub const CHANGE_TITLE_BYTES_MAX: usize = 200;
/// People that an estate declares: half a dozen with a say at each of two thousand sites, and those of the program.
pub const PEOPLE_MAX: usize = 20_000;
/// Keys of one person: one in use and those before it; each is a line of the org log.
pub const PERSON_KEYS_MAX: usize = 16;
/// The line of a public key: those that are taken have below 300 bytes with their comment.
pub const PERSON_KEY_BYTES_MAX: usize = 1_024;
/// Backups, delegations and conflicts that an estate declares, of each: every one is looked at for every decision.
pub const DELEGATIONS_MAX: usize = 2_000;
/// Days for which a role may be handed on at once: a quarter of leave; whoever is away longer has a successor.
pub const DELEGATION_DAYS_MAX: u32 = 90;
/// A reason or a name in the files: one that is longer is a document and belongs elsewhere.
pub const PEOPLE_TEXT_BYTES_MAX: usize = 500;
/// Checklist items of one scope: four times what the standard checklists have for a site.
pub const ITEMS_PER_SCOPE_MAX: usize = 500;
/// Gates of one scope: three times what the program has stages and decisions.
pub const GATES_PER_SCOPE_MAX: usize = 50;
/// Tests of one checklist item: who needs more has two items.
pub const VALIDATORS_PER_ITEM_MAX: usize = 16;
/// Entries of a list in a checklist item or gate: what comes before it, roles, assertions, calls. Each is looked at whenever
/// it is.
pub const CHECKLIST_LIST_MAX: usize = 64;
/// Characters of a text in a checklist item or gate: who signs a statement must be able to read it.
pub const CHECKLIST_TEXT_MAX: usize = 2_000;
/// Days of a checklist item or gate: ten years, longer than any record is good for.
pub const CHECKLIST_DAYS_MAX: u32 = 3_660;
/// Words of a command that a checklist item names, the program included.
pub const DEED_WORDS_MAX: usize = 32;
/// Missing things of a gate that are told with a wave that waits for it: an entry of the log has to hold all of them.
pub const GATE_MISSING_MAX: usize = 40;
/// Characters of one of them: the rest is shown by `landfall gate show`.
pub const GATE_WORDS_MAX: usize = 300;
/// Days before its end from which a waiver is on somebody's list.
pub const WAIVER_NOTICE_DAYS: u32 = 14;
/// How far the clock of who signs may be ahead of the journal's: laptops drift by seconds, and a few minutes let nobody
/// sign for tomorrow.
pub const DECISION_CLOCK_SKEW: Millis = Millis::from_secs(5 * 60);
/// Rules of an estate about approvals: there are five sorts of plans, and more than a few rules for each nobody follows.
pub const APPROVAL_RULES_MAX: usize = 50;
/// Decisions about one plan that are looked at: a thousand sites with a dozen signatures each.
pub const DECISIONS_MAX: usize = 20_000;
/// Hours within which somebody reviews what was launched past its approvals, unless the estate says otherwise: by the next
/// working day everybody still knows why.
pub const BREAK_GLASS_HOURS: u32 = 24;
/// The most that an estate may say: after a long weekend it would be forgotten.
pub const BREAK_GLASS_HOURS_MAX: u32 = 96;
/// Sentences about what is missing that one assertion, or one item, comes to: who has read these mends the file first.
pub const MISSING_WORDS_MAX: usize = 50;
/// Of a value that is repeated in such a sentence, in characters.
pub const MISSING_VALUE_CHARS_MAX: usize = 80;
/// Body of an answer that a probe reads: a health page is a few lines.
pub const PROBE_BODY_BYTES_MAX: usize = 1 << 20;
/// Time for one probe: a service that takes longer is not one that anybody would wait for.
pub const PROBE_TIMEOUT: Millis = Millis::from_secs(10);
/// Addresses of one name that are believed: the largest round robin seen has a few dozen.
pub const PROBE_ADDRESSES_MAX: usize = 64;
/// A line of an agent, without its newline: a spec of any kind is far smaller.
pub const AGENT_LINE_BYTES_MAX: usize = 64 << 10;
/// Lines of an agent: one for each proposal and its last word.
pub const AGENT_LINES_MAX: usize = 65;
/// Proposals of an agent in one deed: an item that needs more is a pack, not an item.
pub const AGENT_PROPOSALS_MAX: usize = 64;
/// Time for one deed of an agent, from its start to its last word.
pub const AGENT_TIMEOUT: Millis = Millis::from_secs(5 * 60);
/// Of an agent's own words, in characters: enough for a sentence.
pub const AGENT_WORDS_CHARS_MAX: usize = 300;
/// Time that a checklist waits between two looks at an object that it has just changed.
pub const DEED_SETTLE_EVERY: Millis = Millis(500);
/// Looks at such an object before the validators are left to say what is there.
pub const DEED_LOOKS_MAX: u32 = 20;
/// Members of a group that are looked up: a group of thousands is no group of people who know what they may do.
pub const SCIM_MEMBERS_MAX: usize = 5_000;
/// Rows of one register: ten for each of a thousand sites, and as many again.
pub const REGISTER_ROWS_MAX: usize = 20_000;
/// Days in which stewards answer for the rights of their site where nobody says otherwise.
pub const RECERTIFICATION_DAYS: u32 = 14;
/// Working days in which an approval that is asked for is given; later it is told to the executive sponsor.
pub const APPROVAL_WORKING_DAYS: u32 = 5;
/// Hours in which a request for a right is to be decided: two days.
pub const ACCESS_REQUEST_HOURS: u32 = 48;

/// Threads that share the work of putting an estate together: beyond this, memory is what they would wait for.
pub const THREADS_MAX: usize = 8;

/// Scopes for which a thread is worth starting; fewer are done sooner than a thread begins.
pub const SHARE_MIN: usize = 4;
/// A reply of a time-stamp service: with its certificates it has 2 to 8 KiB.
pub const TIMESTAMP_REPLY_BYTES_MAX: usize = 64 << 10;
/// How long a time-stamp service may take: an export waits for it.
pub const TIMESTAMP_TIMEOUT: Millis = Millis::from_secs(15);
/// Handovers from key to key that are kept and shown: yearly for decades, both keys.
pub const HANDOVERS_MAX: usize = 100;
/// What a witness knows, or is shown of the heads of all logs: 300 bytes for each of 200,000 logs.
pub const WITNESS_FILE_BYTES_MAX: u64 = 64 << 20;
/// What a witness is shown over HTTP at once: the heads of ten thousand logs are below 2 MiB.
pub const WITNESS_SHOWN_BYTES_MAX: usize = 8 << 20;
/// Org logs that a witness keeps refusing; who has more than that has no log to be cosigned.
pub const WITNESS_REFUSED_MAX: usize = 1_000;
/// How long a program that holds a key may take for one signature: a hardware module far away takes a second.
pub const SIGNER_TIMEOUT: Millis = Millis::from_secs(30);
/// What it may print: a signature has at most 72 bytes.
pub const SIGNATURE_BYTES_MAX: u64 = 512;
/// What a program that takes a checkpoint may print: a lock has below 200 bytes.
pub const HOOK_OUTPUT_BYTES_MAX: u64 = 64 << 10;
/// A request to a witness, and its answer: a proof of 64 hashes and a note of a few signatures.
pub const WITNESS_ANSWER_BYTES_MAX: usize = 64 << 10;
/// How long a witness waits for the whole of a request.
pub const WITNESS_REQUEST_TIMEOUT: Millis = Millis::from_secs(10);
/// Pages of one PDF: nobody reads more, and a page is laid out in memory.
pub const PDF_PAGES_MAX: usize = 1_000;
/// Bytes of `sites/controls.toml`: a line of 200 bytes for each control of every framework, several times over.
pub const OWN_CONTROLS_BYTES_MAX: usize = 256 << 10;
/// Bytes of one text in it: an id, or a sentence about who shows a control instead.
pub const OWN_CONTROL_TEXT_BYTES_MAX: usize = 200;

/// Rounds in which answers are gathered before they are recorded: a round takes microseconds and finishes some sixty tasks,
/// so that the answers to a thousand calls come along, and a service that answers all the time holds nothing up.
pub const GATHER_ROUNDS_MAX: usize = 16;

/// Scopes whose logs are worth a thread and a connection of their own when a launch is taken up: some thousand entries.
pub const REPLAY_SHARE_MIN: usize = 16;
