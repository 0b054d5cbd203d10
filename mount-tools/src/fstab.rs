//! `mount.echofs`, as mount(8) calls it for a line of /etc/fstab, and the options of `-o`.
//!
//! ```text
//! /home/me/notes  /home/me/echo  echofs  user,noauto,data=/home/me/.local/share/echofs  0 0
//! ```
//!
//! The first field is a directory to index; `none` when there is none.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use fuser::MountOption;

use crate::cli::{Mount, Places};
use crate::failure::{Exit, Failure, Outcome};

/// `mount.echofs SOURCE MOUNTPOINT [-sfnv] [-t TYPE] [-o OPTS]` as arguments of `echofs`.
pub fn translate(arguments: &[OsString]) -> Option<Vec<OsString>> {
    let (program, rest) = arguments.split_first()?;
    if Path::new(program).file_name()? != "mount.echofs" {
        return None;
    }
    let mut translated: Vec<OsString> = vec!["echofs".into(), "mount".into()];
    let mut places = 0;
    let mut rest = rest.iter();
    while let Some(argument) = rest.next() {
        match argument.to_str() {
            Some("-o") => translated.extend(["-o".into(), rest.next()?.clone()]),
            Some("-t" | "-N") => drop(rest.next()),
            Some(flags) if flags.starts_with('-') && flags.len() > 1 => {}
            _ => {
                places += 1;
                match places {
                    1 if !matches!(argument.to_str(), Some("none" | "echofs")) => {
                        translated.extend(["--source".into(), argument.clone()]);
                    }
                    1 => {}
                    _ => translated.push(argument.clone()),
                }
            }
        }
    }
    Some(translated)
}

/// Puts what `-o` says where the other options are; what is for the kernel stays in `mount.options`.
pub fn apply_options(mount: &mut Mount, places: &mut Places) -> Outcome {
    for option in std::mem::take(&mut mount.options) {
        let (name, value) = option.split_once('=').unwrap_or((&option, ""));
        match name {
            "source" => mount.source.push(PathBuf::from(value)),
            "data" => places.data = Some(PathBuf::from(value)),
            "models" => places.models = Some(PathBuf::from(value)),
            "model" => mount.model = Some(value.to_owned()),
            "foreground" => mount.foreground = true,
            _ if kernel_option(name).is_some() => mount.options.push(option),
            _ if is_generic(name) => {}
            _ => {
                let next = "use source=, data=, models=, model=, foreground, ro and noexec";
                return Err(Failure::new(Exit::Usage, format!("unknown mount option {option}"), next));
            }
        }
    }
    Ok(())
}

/// The options that the kernel is given.
pub fn kernel_options(mount: &Mount) -> Vec<MountOption> {
    mount.options.iter().filter_map(|option| kernel_option(option)).collect()
}

fn kernel_option(name: &str) -> Option<MountOption> {
    match name {
        "ro" => Some(MountOption::RO),
        "noexec" => Some(MountOption::NoExec),
        _ => None,
    }
}

/// Options that mount(8) handles itself or that every mount of ours has anyway.
fn is_generic(name: &str) -> bool {
    const KNOWN: &[&str] = &[
        "",
        "rw",
        "defaults",
        "user",
        "users",
        "owner",
        "auto",
        "noauto",
        "nofail",
        "_netdev",
        "nosuid",
        "nodev",
        "exec",
        "atime",
        "noatime",
        "relatime",
        "nodiratime",
        "async",
        "dev",
        "suid",
    ];
    KNOWN.contains(&name) || name.starts_with("x-") || name.starts_with("X-") || name.starts_with("comment")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn translated(line: &str) -> Option<String> {
        let arguments: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let words = translate(&arguments)?;
        Some(words.iter().map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn mount_echofs_is_translated() {
        let check = |line, expected: Option<&str>| assert_eq!(translated(line).as_deref(), expected, "{line}");
        check("echofs mount /x", None);
        check(
            "/sbin/mount.echofs /notes /echo -o rw,data=/d",
            Some("echofs mount --source /notes /echo -o rw,data=/d"),
        );
        check("mount.echofs none /echo -n -t echofs", Some("echofs mount /echo"));
    }

    #[test]
    fn options_go_where_they_belong() {
        let mut mount = Mount { options: vec!["ro".into(), "data=/d".into(), "source=/n".into()], ..Mount::default() };
        let mut places = Places::default();
        apply_options(&mut mount, &mut places).expect("all known");
        assert_eq!(kernel_options(&mount), [MountOption::RO]);
        assert_eq!(places.data.as_deref(), Some(Path::new("/d")));
        assert_eq!(mount.source, [PathBuf::from("/n")]);
    }

    #[test]
    fn an_unknown_option_is_refused() {
        let mut mount = Mount { options: vec!["allow_other".into()], ..Mount::default() };
        let failure = apply_options(&mut mount, &mut Places::default()).expect_err("unknown");
        assert_eq!(failure.exit, Exit::Usage);
    }
}
