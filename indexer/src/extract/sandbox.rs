//! Locks the worker in: Landlock, seccomp, limits of memory and files, and it dies with its parent.
//!
//! Each measure is taken as far as the kernel has it; [`Confinement`] says what holds, as found by trying.

use std::io::ErrorKind;
use std::net::TcpListener;
use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError,
    Scope, path_beneath_rules,
};
use rustix::process::{Resource, Rlimit, Signal};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};
use serde::{Deserialize, Serialize};

use super::pdf;

/// Address space of a worker and of what it starts, in bytes.
const MEMORY: u64 = 1536 << 20;

/// What a worker can no longer do, as found by trying.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confinement {
    /// Files and folders cannot be opened.
    pub files: bool,
    /// Sockets cannot be made or bound.
    pub network: bool,
    /// Memory is limited.
    pub memory: bool,
    /// Calls that no parser needs are refused.
    pub calls: bool,
}

impl Confinement {
    /// One line for a status: `full`, or what is missing.
    pub fn summary(&self) -> String {
        let parts = [
            (self.files, "file access"),
            (self.network, "network"),
            (self.memory, "memory"),
            (self.calls, "system calls"),
        ];
        let open: Vec<&str> = parts.iter().filter(|(closed, _)| !closed).map(|(_, name)| *name).collect();
        if open.is_empty() { "full".to_owned() } else { format!("not confined: {}", open.join(", ")) }
    }
}

/// Locks this process in, for good. To be called while it has one thread.
pub fn confine() -> Confinement {
    // All of these are best effort: what did not work shows in what is found below.
    let _ = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
    let _ = rustix::process::nice(10);
    let helper = pdf::pdftotext();
    let memory = limits(helper.is_none());
    let _ = rustix::thread::set_no_new_privs(true);
    let _ = landlock(helper);
    let calls = seccomp().is_some();
    Confinement {
        files: refused(std::fs::read_dir("/")),
        network: refused(TcpListener::bind("127.0.0.1:0")),
        memory,
        calls,
    }
}

fn refused<T>(tried: std::io::Result<T>) -> bool {
    tried.is_err_and(|e| e.kind() == ErrorKind::PermissionDenied)
}

fn limits(alone: bool) -> bool {
    let set = |resource, most| {
        rustix::process::setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) }).is_ok()
    };
    set(Resource::Core, 0);
    set(Resource::Fsize, 0);
    set(Resource::Nofile, 64);
    if alone {
        set(Resource::Nproc, 0);
    }
    set(Resource::As, MEMORY)
}

/// No file may be opened, but what the helper program is made of may be read and run.
fn landlock(helper: Option<&Path>) -> Result<(), RulesetError> {
    const NEEDED: [&str; 8] = [
        "/lib",
        "/lib64",
        "/usr/lib",
        "/usr/lib64",
        "/usr/local/lib",
        "/usr/share/poppler",
        "/etc/ld.so.cache",
        "/etc/ld.so.conf",
    ];
    let abi = ABI::V6;
    let paths = helper.into_iter().flat_map(|helper| NEEDED.iter().map(Path::new).chain([helper]));
    Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(abi))?
        .handle_access(AccessNet::from_all(abi))?
        .scope(Scope::from_all(abi))?
        .create()?
        .add_rules(path_beneath_rules(paths, AccessFs::from_read(abi)))?
        .restrict_self()?;
    Ok(())
}

/// Refuses sockets, and what changes the system, other processes or the metadata of files.
fn seccomp() -> Option<()> {
    let rules = REFUSED.iter().chain(REFUSED_OLD).map(|call| (*call, Vec::new())).collect();
    let refuse = SeccompAction::Errno(libc::EPERM.cast_unsigned());
    let arch = std::env::consts::ARCH.try_into().ok()?;
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refuse, arch).ok()?;
    let program: BpfProgram = filter.try_into().ok()?;
    seccompiler::apply_filter(&program).ok()
}

const REFUSED: &[libc::c_long] = &[
    libc::SYS_socket,
    libc::SYS_socketpair,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_getfd,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_io_uring_setup,
    libc::SYS_userfaultfd,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_kexec_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_open_by_handle_at,
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    libc::SYS_fchmodat2,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_utimensat,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_removexattr,
];

/// Calls that newer architectures no longer have.
#[cfg(target_arch = "x86_64")]
const REFUSED_OLD: &[libc::c_long] =
    &[libc::SYS_chmod, libc::SYS_chown, libc::SYS_lchown, libc::SYS_utime, libc::SYS_utimes, libc::SYS_futimesat];
#[cfg(not(target_arch = "x86_64"))]
const REFUSED_OLD: &[libc::c_long] = &[];
