//! Where sign-in comes from: `DATABRICKS_*` variables and `~/.databrickscfg`, read as the official SDKs read them.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::PathBuf;

use crate::base::limits::PROFILE_FILE_BYTES_MAX;
use crate::base::secret::Secret;
use crate::driver::databricks::Auth;

/// What is needed to reach an account.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The account host.
    pub host: String,
    /// The account, if it is named anywhere.
    pub account_id: Option<String>,
    /// How to sign in.
    pub auth: Auth,
    /// The profile that was used, if any.
    pub profile: Option<String>,
}

/// Why there are no credentials.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// A profile was named that the file does not have.
    #[error("no profile [{name}] in {file}")]
    NoProfile {
        /// Its name.
        name: String,
        /// Where it was looked for.
        file: String,
    },
    /// No host.
    #[error("no host: set DATABRICKS_HOST or `host` in a profile")]
    NoHost,
    /// Nothing to sign in with.
    #[error(
        "nothing to sign in with: set DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET, DATABRICKS_TOKEN, or a profile"
    )]
    NoAuth,
    /// Several ways to sign in, and nothing that picks one.
    #[error("several ways to sign in are configured ({}): set DATABRICKS_AUTH_TYPE to one of them", families.join(", "))]
    Several {
        /// Their names.
        families: Vec<String>,
    },
    /// A way that this program does not know.
    #[error("sign-in by `{auth_type}` is not supported; use oauth-m2m or pat")]
    Unsupported {
        /// Its name.
        auth_type: String,
    },
    /// The chosen way misses a part.
    #[error("sign-in by `{auth_type}` needs {missing}")]
    Incomplete {
        /// The way.
        auth_type: String,
        /// What is missing.
        missing: &'static str,
    },
    /// The file is not as it should be.
    #[error("{file}:{line}: {what}")]
    BadFile {
        /// The file.
        file: String,
        /// The line, from one.
        line: usize,
        /// What is wrong.
        what: &'static str,
    },
    /// The file cannot be read.
    #[error("{file} cannot be read: {what}")]
    Unreadable {
        /// The file.
        file: String,
        /// What happened.
        what: String,
    },
}

/// Attributes, the variables that set them, and the way to sign in that they belong to.
const ATTRIBUTES: [(&str, &str, Option<&str>); 12] = [
    ("host", "DATABRICKS_HOST", None),
    ("account_id", "DATABRICKS_ACCOUNT_ID", None),
    ("auth_type", "DATABRICKS_AUTH_TYPE", None),
    ("token", "DATABRICKS_TOKEN", Some(PAT)),
    ("client_id", "DATABRICKS_CLIENT_ID", Some(OAUTH)),
    ("client_secret", "DATABRICKS_CLIENT_SECRET", Some(OAUTH)),
    ("username", "DATABRICKS_USERNAME", Some("basic")),
    ("password", "DATABRICKS_PASSWORD", Some("basic")),
    ("azure_client_id", "ARM_CLIENT_ID", Some("azure")),
    ("azure_client_secret", "ARM_CLIENT_SECRET", Some("azure")),
    ("azure_tenant_id", "ARM_TENANT_ID", Some("azure")),
    ("google_service_account", "DATABRICKS_GOOGLE_SERVICE_ACCOUNT", Some("google")),
];

const OAUTH: &str = "oauth-m2m";
const PAT: &str = "pat";
const DEFAULT_PROFILE: &str = "DEFAULT";
const SETTINGS_SECTION: &str = "__settings__";

/// Reads the process's own environment and the file it names. A host that is given comes before both.
///
/// # Errors
///
/// See [`CredentialsError`].
pub fn read(profile: Option<&str>, host: Option<&str>) -> Result<Credentials, CredentialsError> {
    let variables = std::env::vars_os();
    let env =
        variables.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let mut env: BTreeMap<String, String> = env.collect();
    if let Some(host) = host {
        env.insert("DATABRICKS_HOST".to_owned(), host.to_owned());
    }
    let path = config_file(&env);
    let text = match &path {
        Some(path) => read_file(path)?,
        None => None,
    };
    let shown = path.map_or_else(|| "~/.databrickscfg".to_owned(), |path| path.display().to_string());
    resolve(profile, &env, text.as_deref().map(|text| (shown.as_str(), text)))
}

/// Works out the credentials: the argument before the environment, the environment before the file. The file, given
/// as name and text, is left alone if host and sign-in are known without it and no profile was named.
///
/// # Errors
///
/// See [`CredentialsError`].
pub fn resolve(
    profile: Option<&str>,
    env: &BTreeMap<String, String>,
    file: Option<(&str, &str)>,
) -> Result<Credentials, CredentialsError> {
    let variable = |name: &str| env.get(name).filter(|value| !value.is_empty()).cloned();
    let mut found: BTreeMap<&str, String> = BTreeMap::new();
    for (attribute, name, _) in ATTRIBUTES {
        found.extend(variable(name).map(|value| (attribute, value)));
    }
    let named = profile.map(str::to_owned).or_else(|| variable("DATABRICKS_CONFIG_PROFILE"));
    let is_whole = found.contains_key("host") && !families(&found).is_empty();
    let mut used = None;
    if named.is_some() || !is_whole {
        used = fill_from_file(&mut found, named, file)?;
    }
    let auth = choose(&found)?;
    let host = found.remove("host").ok_or(CredentialsError::NoHost)?;
    Ok(Credentials { host, account_id: found.remove("account_id"), auth, profile: used })
}

fn fill_from_file(
    found: &mut BTreeMap<&str, String>,
    named: Option<String>,
    file: Option<(&str, &str)>,
) -> Result<Option<String>, CredentialsError> {
    let (shown, text) = file.unwrap_or(("~/.databrickscfg", ""));
    let mut sections = parse(shown, text)?;
    let configured =
        sections.get(SETTINGS_SECTION).and_then(|section| section.get("default_profile")).cloned();
    let must_exist = named.is_some() || configured.is_some();
    let name = named.or(configured).unwrap_or_else(|| DEFAULT_PROFILE.to_owned());
    // Unlike other INI readers: a profile does not inherit anything from [DEFAULT].
    let Some(section) = sections.remove(&name) else {
        return if must_exist {
            Err(CredentialsError::NoProfile { name, file: shown.to_owned() })
        } else {
            Ok(None)
        };
    };
    for (attribute, _, _) in ATTRIBUTES {
        if let Some(value) = section.get(attribute).filter(|value| !value.is_empty()) {
            found.entry(attribute).or_insert_with(|| value.clone());
        }
    }
    Ok(Some(name))
}

fn families(found: &BTreeMap<&str, String>) -> Vec<String> {
    let named = ATTRIBUTES.iter().filter(|(attribute, _, _)| found.contains_key(attribute));
    let mut families: Vec<String> = named.filter_map(|(_, _, family)| family.map(str::to_owned)).collect();
    families.sort();
    families.dedup();
    families
}

fn choose(found: &BTreeMap<&str, String>) -> Result<Auth, CredentialsError> {
    let families = families(found);
    let auth_type = match (found.get("auth_type"), families.as_slice()) {
        (Some(chosen), _) => chosen.clone(),
        (None, []) => return Err(CredentialsError::NoAuth),
        (None, [only]) => only.clone(),
        (None, _) => return Err(CredentialsError::Several { families }),
    };
    let part = |name: &str, missing| {
        let incomplete = || CredentialsError::Incomplete { auth_type: auth_type.clone(), missing };
        found.get(name).cloned().ok_or_else(incomplete)
    };
    match auth_type.as_str() {
        PAT => Ok(Auth::Pat(Secret::new(part("token", "a token")?))),
        OAUTH => Ok(Auth::OAuth {
            client_id: part("client_id", "a client id")?,
            client_secret: Secret::new(part("client_secret", "a client secret")?),
        }),
        _ => Err(CredentialsError::Unsupported { auth_type }),
    }
}

type Sections = BTreeMap<String, BTreeMap<String, String>>;

fn parse(shown: &str, text: &str) -> Result<Sections, CredentialsError> {
    let mut sections = Sections::new();
    let mut current: Option<String> = None;
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let bad = |what| CredentialsError::BadFile { file: shown.to_owned(), line: index + 1, what };
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(rest) = line.strip_prefix('[') {
            let name = rest.strip_suffix(']').ok_or_else(|| bad("a section name ends with `]`"))?.trim();
            sections.entry(name.to_owned()).or_default();
            current = Some(name.to_owned());
            continue;
        }
        let (key, value) = line.split_once('=').ok_or_else(|| bad("expected `key = value`"))?;
        let section = current.as_ref().ok_or_else(|| bad("a setting stands before the first section"))?;
        let section = sections.entry(section.clone()).or_default();
        section.insert(key.trim().to_lowercase(), value.trim().to_owned());
    }
    Ok(sections)
}

fn config_file(env: &BTreeMap<String, String>) -> Option<PathBuf> {
    let home = || env.get("HOME").or_else(|| env.get("USERPROFILE")).map(PathBuf::from);
    match env.get("DATABRICKS_CONFIG_FILE").filter(|path| !path.is_empty()) {
        Some(path) => match path.strip_prefix("~/") {
            Some(rest) => Some(home()?.join(rest)),
            None => Some(PathBuf::from(path)),
        },
        None => Some(home()?.join(".databrickscfg")),
    }
}

fn read_file(path: &PathBuf) -> Result<Option<String>, CredentialsError> {
    let unreadable = |what: String| CredentialsError::Unreadable { file: path.display().to_string(), what };
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error.to_string())),
    };
    let mut text = String::new();
    let size = file.take(PROFILE_FILE_BYTES_MAX + 1).read_to_string(&mut text);
    match size {
        Ok(size) if size as u64 > PROFILE_FILE_BYTES_MAX => {
            Err(unreadable(format!("it is larger than {PROFILE_FILE_BYTES_MAX} bytes")))
        }
        Ok(_) => Ok(Some(text)),
        Err(error) => Err(unreadable(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
; the team's profiles
[DEFAULT]
host = https://default.example
token = dapi-default

[prod]
host = https://accounts.example
account_id = 0000-prod
client_id = robot
client_secret = s3cret
";

    fn told(profile: Option<&str>, env: &[(&str, &str)], file: &str) -> String {
        let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        match resolve(profile, &env, Some(("cfg", file))) {
            Ok(found) => {
                let auth = match &found.auth {
                    Auth::Pat(token) => format!("pat {}", token.expose()),
                    Auth::OAuth { client_id, client_secret } => {
                        format!("oauth {client_id} {}", client_secret.expose())
                    }
                };
                format!("{} {} {auth}", found.host, found.account_id.unwrap_or_else(|| "-".to_owned()))
            }
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn the_default_profile_stands_for_nobody_else() {
        assert_eq!(told(None, &[], FILE), "https://default.example - pat dapi-default");
        assert_eq!(told(Some("prod"), &[], FILE), "https://accounts.example 0000-prod oauth robot s3cret");
        let no_host = "[DEFAULT]\nhost = https://default.example\n[bare]\ntoken = t\n";
        assert_eq!(
            told(Some("bare"), &[], no_host),
            "no host: set DATABRICKS_HOST or `host` in a profile",
            "the host of [DEFAULT] was inherited"
        );
    }

    #[test]
    fn the_environment_comes_before_the_file_and_the_argument_before_both() {
        let env = [("DATABRICKS_CONFIG_PROFILE", "prod"), ("DATABRICKS_HOST", "https://env.example")];
        assert_eq!(told(None, &env, FILE), "https://env.example 0000-prod oauth robot s3cret");
        assert_eq!(told(Some("DEFAULT"), &env, FILE), "https://env.example - pat dapi-default");
        let settings = format!("{FILE}[__settings__]\ndefault_profile = prod\n");
        assert_eq!(told(None, &[], &settings), "https://accounts.example 0000-prod oauth robot s3cret");
    }

    #[test]
    fn a_whole_environment_leaves_the_file_alone() {
        let env = [("DATABRICKS_HOST", "https://env.example"), ("DATABRICKS_TOKEN", "t")];
        assert_eq!(told(None, &env, "this is no INI file"), "https://env.example - pat t");
        assert_eq!(told(Some("prod"), &env, "this is no INI file"), "cfg:1: expected `key = value`");
    }

    #[test]
    fn two_ways_to_sign_in_need_a_choice() {
        let env = [("DATABRICKS_CONFIG_PROFILE", "prod"), ("DATABRICKS_TOKEN", "t")];
        let several = "several ways to sign in are configured (oauth-m2m, pat): set DATABRICKS_AUTH_TYPE to one of them";
        assert_eq!(told(None, &env, FILE), several);
        let chosen = [env[0], env[1], ("DATABRICKS_AUTH_TYPE", "pat")];
        assert_eq!(told(None, &chosen, FILE), "https://accounts.example 0000-prod pat t");
    }

    #[test]
    fn what_is_missing_is_named() {
        let told = |profile, env: &[(&str, &str)]| told(profile, env, FILE);
        assert_eq!(told(Some("dev"), &[]), "no profile [dev] in cfg");
        let unknown = [("DATABRICKS_HOST", "h"), ("DATABRICKS_USERNAME", "u"), ("DATABRICKS_PASSWORD", "p")];
        assert_eq!(told(None, &unknown), "sign-in by `basic` is not supported; use oauth-m2m or pat");
        let half = [("DATABRICKS_HOST", "h"), ("DATABRICKS_CLIENT_ID", "robot")];
        assert_eq!(told(None, &half), "sign-in by `oauth-m2m` needs a client secret");
    }

    #[test]
    fn the_file_is_found_where_the_sdks_look() {
        let found = |pairs: &[(&str, &str)]| {
            let env = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            config_file(&env).map(|path| path.display().to_string())
        };
        assert_eq!(found(&[("HOME", "/h")]).as_deref(), Some("/h/.databrickscfg"));
        assert_eq!(found(&[("HOME", "/h"), ("DATABRICKS_CONFIG_FILE", "~/x")]).as_deref(), Some("/h/x"));
        assert_eq!(found(&[("DATABRICKS_CONFIG_FILE", "/etc/x")]).as_deref(), Some("/etc/x"));
        assert_eq!(found(&[]), None);
    }
}
