//! What is mounted where, from `/proc/self/mountinfo`; asking it never touches the mount itself.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// One mount, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// Where.
    pub mountpoint: PathBuf,
    /// File system type, `fuse.echofs` for ours.
    pub kind: String,
    /// What it says it comes from.
    pub source: OsString,
}

impl Mount {
    /// Whether this program made it.
    pub fn is_echofs(&self) -> bool {
        self.kind == "fuse.echofs"
    }
}

/// The mount on top of exactly this path, which must be absolute without symlinks.
pub fn at(path: &Path) -> std::io::Result<Option<Mount>> {
    Ok(all()?.into_iter().rfind(|mount| mount.mountpoint == path))
}

/// All mounts, oldest first.
pub fn all() -> std::io::Result<Vec<Mount>> {
    Ok(parse(&std::fs::read("/proc/self/mountinfo")?))
}

fn parse(text: &[u8]) -> Vec<Mount> {
    text.split(|&byte| byte == b'\n').filter_map(parse_line).collect()
}

/// `36 35 98:0 /root /mountpoint options [tags] - type source super-options`
fn parse_line(line: &[u8]) -> Option<Mount> {
    let mut fields = line.split(|&byte| byte == b' ');
    let mountpoint = unescape(fields.nth(4)?);
    fields.find(|field| *field == b"-")?;
    let kind = String::from_utf8_lossy(fields.next()?).into_owned();
    Some(Mount { mountpoint: mountpoint.into(), kind, source: unescape(fields.next()?) })
}

/// The kernel writes blank, tab, line feed and backslash as `\040` and so on.
fn unescape(field: &[u8]) -> OsString {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let [first, tail @ ..] = rest {
        let code = if *first == b'\\' { tail.get(..3).and_then(octal) } else { None };
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &tail[3..] } else { tail };
    }
    OsString::from_vec(bytes)
}

fn octal(digits: &[u8]) -> Option<u8> {
    u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok()
}

/// An absolute path without symlinks above its last part, without asking what is at the path itself:
/// a mount whose process died answers nothing.
pub fn absolute(path: &Path) -> std::io::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) if name.as_bytes() != b".." => Ok(real(parent)?.join(name)),
        _ => path.canonicalize(),
    }
}

/// The part of the path that exists, resolved, with the rest as it is.
fn real(path: &Path) -> std::io::Result<PathBuf> {
    match (path.canonicalize(), path.parent(), path.file_name()) {
        (Err(error), Some(parent), Some(name)) if error.kind() == std::io::ErrorKind::NotFound => {
            Ok(real(parent)?.join(name))
        }
        (result, _, _) => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_kernels_lines() {
        let text = b"22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n\
            90 22 0:44 / /home/me/my\\040echo rw,nosuid,nodev - fuse.echofs echofs rw,user_id=0\n";
        let mounts = parse(text);
        assert_eq!(mounts.len(), 2);
        assert_eq!(mounts[1].mountpoint, Path::new("/home/me/my echo"));
        assert!(mounts[1].is_echofs() && !mounts[0].is_echofs());
    }

    #[test]
    fn backslashes_that_escape_nothing_stay() {
        assert_eq!(unescape(b"a\\134b\\"), "a\\b\\");
    }

    #[test]
    fn a_path_whose_parents_do_not_exist_is_still_absolute() {
        let path = absolute(Path::new("/proc/../no/such/place")).expect("absolute");
        assert_eq!(path, Path::new("/no/such/place"));
    }
}
