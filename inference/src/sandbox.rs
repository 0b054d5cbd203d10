//! What the service gives up before it reads a model file from who knows where: a model is parsed by C++ code.

use std::collections::BTreeMap;

use rustix::process::{Resource, Rlimit};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule, TargetArch,
};

/// System calls that the service never needs once it listens: the network, other programs, other processes, changes of files.
const NEVER: [libc::c_long; 22] = [
    libc::SYS_socket,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_unlinkat,
    libc::SYS_renameat,
    libc::SYS_renameat2,
    libc::SYS_mkdirat,
    libc::SYS_linkat,
    libc::SYS_symlinkat,
    libc::SYS_fchmodat,
    libc::SYS_fchownat,
    libc::SYS_truncate,
    libc::SYS_bpf,
    libc::SYS_userfaultfd,
    libc::SYS_keyctl,
];

#[cfg(target_arch = "x86_64")]
const NEVER_OLD: [libc::c_long; 8] = [
    libc::SYS_unlink,
    libc::SYS_rename,
    libc::SYS_mkdir,
    libc::SYS_rmdir,
    libc::SYS_link,
    libc::SYS_symlink,
    libc::SYS_chmod,
    libc::SYS_creat,
];
#[cfg(not(target_arch = "x86_64"))]
const NEVER_OLD: [libc::c_long; 0] = [];

/// For all threads, for good: no new privileges, no core files (prompts hold what people wrote), no network, no other program, no
/// file opened for writing. Refused calls fail with EACCES. `devices` leaves opening files alone: drivers of GPUs open theirs as they
/// need them.
///
/// # Errors
/// When the kernel has no seccomp; the service runs without then, and says so.
pub fn enter(devices: bool) -> Result<(), String> {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    rustix::process::setrlimit(Resource::Core, none).map_err(|e| e.to_string())?;
    rustix::thread::set_no_new_privs(true).map_err(|e| e.to_string())?;
    let program = filter(devices).map_err(|e| e.to_string())?;
    seccompiler::apply_filter_all_threads(&program).map_err(|e| e.to_string())
}

fn filter(devices: bool) -> Result<BpfProgram, seccompiler::BackendError> {
    let mut rules: BTreeMap<libc::c_long, Vec<SeccompRule>> =
        NEVER.iter().chain(&NEVER_OLD).map(|&call| (call, Vec::new())).collect();
    if !devices {
        rules.insert(libc::SYS_openat, writing(2)?);
        #[cfg(target_arch = "x86_64")]
        rules.insert(libc::SYS_open, writing(1)?);
    }
    let refuse = SeccompAction::Errno(libc::EACCES as u32);
    SeccompFilter::new(rules, SeccompAction::Allow, refuse, arch()?)?.try_into()
}

fn arch() -> Result<TargetArch, seccompiler::BackendError> {
    std::env::consts::ARCH.try_into()
}

/// Opening for writing: flags, the argument of this number, say so.
fn writing(argument: u8) -> Result<Vec<SeccompRule>, seccompiler::BackendError> {
    let access = |mode: libc::c_int| {
        let masked = SeccompCmpOp::MaskedEq(libc::O_ACCMODE as u64);
        let condition = SeccompCondition::new(argument, SeccompCmpArgLen::Dword, masked, mode as u64)?;
        SeccompRule::new(vec![condition])
    };
    Ok(vec![access(libc::O_WRONLY)?, access(libc::O_RDWR)?])
}
