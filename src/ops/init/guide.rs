//! The page in a new estate's folder that says what to edit.

/// The page. `made` says what the folder is, in one sentence.
pub(super) fn page(made: &str) -> String {
    format!("# This estate\n\n{made}\n\n{BODY}")
}

const BODY: &str = r#"It works as it is, against the sandbox inside Landfall, with no cloud account:

```
landfall check                  # every problem of every file, with its line
landfall plan --wave pilot      # what would be made, object by object; changes nothing
landfall rehearse pilot         # the whole wave on a virtual clock, with a verified evidence bundle
```

## What to edit before it is yours

In this order; `landfall check` after each step says what is still missing or wrong.

| file | what | why |
|---|---|---|
| `sites/estate.toml`, `[estate]` | `name`, `code`, `day_one`, `zone`, and a new `lineage` (any new UUID, never changed again) | plans are bound to the lineage; names of objects begin with it |
| `[account]`, `[[account.access_profile]]` | the address for costs, the role and bucket of the audit log, who may come in where | the account's own objects are made from them |
| `[defaults]`, `locked` | what holds for every site, and what nobody below may change | sites differ by parameters only |
| `[region.*]`, `[ehr.*]` | your regions with their hub networks and allowed destinations, your EHR variants | layers 2 and 3 |
| `[[wave]]`, `[[freeze]]` | which site in which wave, how many at once, how many may fail, when | layer 4, and the order of launches |
| `[roles]` | who signs; role handles, never names of people | without them nobody can approve |
| `sites/people.toml` | who is behind the handles, with backups, absences and public keys; then `landfall roles` | a key that is not enrolled opens nothing |
| `[quotas]` | the ceilings that your account has, where they are not the published ones | a plan that does not fit is refused before anything is made |
| `[targets.*]` | a real account beside the sandbox | where plans are carried out |
| `sites/<CODE>.toml` | one file a site: code, region, variant, feeds, domains, windows, stewards, tags, network | layer 5 |
| `templates/` | the packs; most estates leave them as they are, and run `landfall packs lock` after a change | what a site gets |

Addresses, accounts and ids of clouds in these files are made up. Secrets never stand here: write `env:NAME` or
`file:/path` where one is asked for. `.landfall/` holds journal, keys and plans of this folder; it is not for version
control, and it is not to be lost.
"#;
