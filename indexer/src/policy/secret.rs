//! What a person keeps secret, told by its name alone: keys, credentials, browser profiles, histories.
//!
//! The tables err on the side of leaving things out. A note called `id_card.md` is left out too, since
//! the promise covers `id_*`; the coverage list says so, and the owner can rename it.

use std::ffi::OsStr;
use std::path::{Component, Path};

/// Says what kind of secret `path` is, or lies in; `None` for everything else.
///
/// Looks at names only, at every component, without regard to case, and never at the disk. The last
/// component counts as a file; [`super::Policy::verdict`] knows about directories. Copies that
/// editors leave (`id_rsa.bak`, `.env~`, `.server.pem.swp`) are as secret as what they copy.
pub fn secret(path: &Path) -> Option<&'static str> {
    let names = components(path);
    let last = names.len();
    (1..=last).find_map(|n| classify(&names[..n], n < last))
}

/// As [`secret`], of the last component only: for a walk that has judged the directories above.
pub(super) fn secret_entry(path: &Path, is_dir: bool) -> Option<&'static str> {
    let mut names: Vec<String> = path.iter().rev().take(DEEPEST).map(lower).collect();
    names.reverse();
    classify(&names, is_dir)
}

/// The longest chain of names in [`CHAINS`].
const DEEPEST: usize = 4;

/// A rule's names and what to call what it finds.
type Table = (&'static str, &'static [&'static str]);

/// Names that are secret wherever they stand, with all that lies below them.
const NAMES: &[Table] = &[
    ("SSH keys", &[".ssh", ".putty", "ssh_host_rsa_key", "ssh_host_ecdsa_key", "ssh_host_ed25519_key"]),
    ("PGP keys", &[".gnupg", "secring.gpg", "trustdb.gpg"]),
    ("environment file", &[".env", ".envrc"]),
    ("key ring", &[".password-store", ".pki", "kwalletd", "kwalletd5", "kwalletd6", "login.keyring"]),
    (
        "credentials",
        &[
            ".netrc",
            "_netrc",
            ".authinfo",
            ".pgpass",
            ".my.cnf",
            ".mylogin.cnf",
            ".git-credentials",
            ".npmrc",
            ".yarnrc.yml",
            ".pypirc",
            ".htpasswd",
            "htpasswd",
            ".s3cfg",
            ".boto",
            ".dockercfg",
            ".vault-token",
            ".terraformrc",
            ".fetchmailrc",
            ".msmtprc",
            ".smbcredentials",
            ".aws",
            ".azure",
            ".kube",
            ".gsutil",
            "rclone.conf",
            "shadow",
            "gshadow",
            ".xauthority",
            ".iceauthority",
            ".rhosts",
        ],
    ),
    (
        "browser profile",
        &[
            ".mozilla",
            ".librewolf",
            ".waterfox",
            ".zen",
            ".tor-browser",
            "tor-browser",
            "bravesoftware",
            "logins.json",
            "logins-backup.json",
            "key3.db",
            "key4.db",
            "cert9.db",
            "signons.sqlite",
            "cookies.sqlite",
            "places.sqlite",
            "formhistory.sqlite",
            "login data",
            "login data for account",
            "web data",
        ],
    ),
    (
        "history",
        &[".lesshst", ".viminfo", ".mysql_history", "consolehost_history.txt", ".recently-used", "recently-used.xbel"],
    ),
    ("wallet", &["wallet.dat", ".bitcoin", ".electrum", ".ethereum", ".monero", ".litecoin", ".dogecoin"]),
];

/// Chains of names, outermost first, that are secret where they stand next to each other.
const CHAINS: &[(&str, &[&[&str]])] = &[
    (
        "credentials",
        &[
            &[".docker", "config.json"],
            &[".config", "gcloud"],
            &[".config", "gh", "hosts.yml"],
            &[".config", "hub"],
            &[".config", "containers", "auth.json"],
            &[".cargo", "credentials"],
            &[".cargo", "credentials.toml"],
            &[".gem", "credentials"],
            &[".config", "solana"],
        ],
    ),
    (
        "key ring",
        &[
            &["share", "keyrings"],
            &[".gnome2", "keyrings"],
            &["share", "apps", "kwallet"],
            &["library", "keychains"],
            &[".config", "keepassxc"],
            &[".config", "bitwarden"],
            &[".config", "1password"],
        ],
    ),
    (
        "browser profile",
        &[
            &[".config", "google-chrome"],
            &[".config", "google-chrome-beta"],
            &[".config", "google-chrome-unstable"],
            &[".config", "chromium"],
            &[".config", "vivaldi"],
            &[".config", "vivaldi-snapshot"],
            &[".config", "microsoft-edge"],
            &[".config", "opera"],
            &[".config", "yandex-browser"],
            &[".local", "share", "qutebrowser"],
            &["share", "epiphany"],
            &["snap", "firefox"],
            &["snap", "chromium"],
            &["snap", "brave"],
            &[".var", "app", "org.mozilla.firefox"],
            &[".var", "app", "com.google.chrome"],
            &[".var", "app", "org.chromium.chromium"],
            &[".var", "app", "com.brave.browser"],
            &[".var", "app", "com.vivaldi.vivaldi"],
            &[".var", "app", "com.microsoft.edge"],
            &[".var", "app", "io.gitlab.librewolf-community"],
            &["application support", "google", "chrome"],
            &["application support", "firefox"],
            &["default", "cookies"],
            &["network", "cookies"],
            &["default", "history"],
        ],
    ),
];

/// Extensions of files that hold keys or passwords.
const EXTENSIONS: &[Table] = &[
    ("key", &["pem", "key", "ppk", "p8", "p12", "pfx", "jks", "jceks", "bks", "keystore", "ovpn"]),
    ("password database", &["kdbx", "kdb", "psafe3", "1pif", "opvault", "agilekeychain", "enpassdb"]),
    ("key ring", &["keyring", "kwl", "keychain", "keychain-db"]),
    ("environment file", &["env"]),
    ("wallet", &["wallet"]),
];

/// Programs whose history files have no dot in front.
const SHELLS: &[&str] = &[
    "bash",
    "zsh",
    "sh",
    "ksh",
    "csh",
    "tcsh",
    "fish",
    "python",
    "node_repl",
    "psql",
    "mysql",
    "sqlite",
    "irb",
    "rediscli",
    "php",
];

fn components(path: &Path) -> Vec<String> {
    path.components()
        .filter_map(|part| match part {
            Component::Normal(name) => Some(lower(name)),
            _ => None,
        })
        .collect()
}

fn lower(name: &OsStr) -> String {
    name.to_string_lossy().to_lowercase()
}

/// Judges the last of `names`; those before it are its surroundings.
fn classify(names: &[String], is_dir: bool) -> Option<&'static str> {
    let (name, _) = names.split_last()?;
    let original = without_backup_marks(name);
    [name.as_str(), original]
        .into_iter()
        .find_map(|name| {
            by_name(name)
                .or_else(|| by_extension(name))
                .or_else(|| firefox_profile(name))
                .or_else(|| (!is_dir).then(|| by_file_name(name)).flatten())
        })
        .or_else(|| by_chain(names))
}

/// `.server.pem.swp`, `id_rsa.bak` and `.env~` without what editors and people add to copies.
fn without_backup_marks(name: &str) -> &str {
    if let Some(swapped) = name.strip_suffix(".swp").or_else(|| name.strip_suffix(".swo")) {
        return swapped.strip_prefix('.').unwrap_or(swapped);
    }
    let name = name.trim_end_matches('~');
    [".bak", ".old", ".orig", ".save", ".backup"].iter().find_map(|mark| name.strip_suffix(mark)).unwrap_or(name)
}

fn by_name(name: &str) -> Option<&'static str> {
    if name.starts_with(".env.") {
        return Some("environment file");
    }
    in_table(NAMES, name)
}

fn by_extension(name: &str) -> Option<&'static str> {
    in_table(EXTENSIONS, name.rsplit_once('.')?.1)
}

fn in_table(table: &[Table], name: &str) -> Option<&'static str> {
    table.iter().find(|(_, names)| names.contains(&name)).map(|(what, _)| *what)
}

/// Rules for files only: a folder `id_mapping` or `family_history` is an ordinary folder.
fn by_file_name(name: &str) -> Option<&'static str> {
    if name.starts_with("id_") {
        return Some("SSH keys");
    }
    if name.starts_with("utc--") {
        return Some("wallet");
    }
    let program = name.strip_suffix("_history").or_else(|| name.strip_suffix("-history"))?;
    (program.starts_with('.') || SHELLS.contains(&program)).then_some("history")
}

/// The directory of one Firefox or Thunderbird profile: eight characters, `.default`, more.
fn firefox_profile(name: &str) -> Option<&'static str> {
    let (salt, rest) = name.split_once('.')?;
    let salted = salt.len() == 8 && salt.bytes().all(|b| b.is_ascii_alphanumeric());
    (salted && (rest == "default" || rest.starts_with("default-"))).then_some("browser profile")
}

fn by_chain(names: &[String]) -> Option<&'static str> {
    let ends = |chain: &[&str]| names.len() >= chain.len() && names[names.len() - chain.len()..].iter().eq(chain);
    CHAINS.iter().find(|(_, chains)| chains.iter().any(|chain| ends(chain))).map(|(what, _)| *what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: bool) {
        assert_eq!(secret(Path::new(path)).is_some(), expected, "{path}");
    }

    #[test]
    fn what_the_promise_names_is_secret() {
        for path in [
            "/home/me/.ssh/config",
            "/home/me/.gnupg/pubring.kbx",
            "/v/.env",
            "/v/.env.production",
            "/v/deploy/server.pem",
            "/v/deploy/SERVER.KEY",
            "/v/id_rsa",
            "/v/id_ed25519.pub",
            "/v/Passwords.kdbx",
            "/v/cert.p12",
            "/v/store.jks",
            "/home/me/.netrc",
            "/home/me/.pgpass",
            "/home/me/.git-credentials",
            "/home/me/.aws/credentials",
            "/home/me/.kube/config",
            "/home/me/.docker/config.json",
            "/home/me/.mozilla/firefox/profiles.ini",
            "/backup/ab12cd34.default-release/prefs.js",
            "/home/me/.config/google-chrome/Default/Preferences",
            "/home/me/.config/BraveSoftware/Brave-Browser/Local State",
            "/home/me/.bash_history",
            "/home/me/.python_history",
            "/home/me/.local/share/fish/fish_history",
            "/home/me/.local/share/keyrings/login.keyring",
            "/home/me/.local/share/kwalletd/kdewallet.kwl",
            "/home/me/.password-store/bank.gpg",
            "/home/me/.Xauthority",
            "/v/wallet.dat",
        ] {
            check(path, true);
        }
    }

    #[test]
    fn copies_of_secrets_are_secret() {
        for path in ["/v/id_rsa.bak", "/v/.env~", "/v/.server.pem.swp", "/v/passwords.kdbx.old"] {
            check(path, true);
        }
    }

    #[test]
    fn ordinary_notes_are_not() {
        for path in [
            "/v/keys.md",
            "/v/monkey",
            "/v/ssh.md",
            "/v/environment.txt",
            "/v/family_history/grandpa.md",
            "/v/id_mapping/table.csv",
            "/v/history of art.md",
            "/v/key/notes.md",
            "/v/docker/config.json",
            "/v/cookies",
            "/v/idea_list.md",
            "/home/me/.config/app/notes.md",
        ] {
            check(path, false);
        }
    }

    #[test]
    fn names_that_are_not_utf8_are_judged_too() {
        use std::os::unix::ffi::OsStrExt;
        let bytes = b"/v/caf\xe9.pem";
        assert_eq!(secret(Path::new(OsStr::from_bytes(bytes))), Some("key"));
    }

    #[test]
    fn entry_and_whole_path_agree() {
        for path in ["/h/.config/gh/hosts.yml", "/h/.ssh", "/h/x.pem", "/h/.var/app/com.brave.Browser", "/h/a.md"] {
            let path = Path::new(path);
            assert_eq!(secret_entry(path, false), secret(path), "{path:?}");
        }
    }
}
