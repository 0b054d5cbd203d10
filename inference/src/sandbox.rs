//! What the service gives up before it reads a model file from who knows where: a model is parsed by C++ code.

use std::collections::BTreeMap;

use rustix::process::{Resource, Rlimit};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule, TargetArch,
};

/// System calls that the service never needs once it listens: the network, other programs, other processes, changes of files; and
/// those that do the same in another way, past this filter.
const NEVER: [libc::c_long; 36] = [
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
    libc::SYS_io_uring_setup,
    libc::SYS_openat2,
    libc::SYS_kill,
    libc::SYS_tkill,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_rt_tgsigqueueinfo,
    libc::SYS_pidfd_send_signal,
    libc::SYS_pidfd_getfd,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_mknodat,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_fsetxattr,
];

#[cfg(target_arch = "x86_64")]
const NEVER_OLD: [libc::c_long; 11] = [
    libc::SYS_unlink,
    libc::SYS_rename,
    libc::SYS_mkdir,
    libc::SYS_rmdir,
    libc::SYS_link,
    libc::SYS_symlink,
    libc::SYS_chmod,
    libc::SYS_chown,
    libc::SYS_lchown,
    libc::SYS_mknod,
    libc::SYS_creat,
];
#[cfg(not(target_arch = "x86_64"))]
const NEVER_OLD: [libc::c_long; 0] = [];

/// For all threads, for good: no new privileges, no core files (prompts hold what people wrote), no network, no other program, no
/// signal to another process, no file opened for writing. Refused calls fail with EACCES. `opens` leaves opening files alone: drivers of
/// GPUs open theirs as they need them, and who converts a model writes one.
///
/// # Errors
/// When the kernel has no seccomp; the service runs without then, and says so.
pub fn enter(opens: bool) -> Result<(), String> {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    rustix::process::setrlimit(Resource::Core, none).map_err(|e| e.to_string())?;
    rustix::thread::set_no_new_privs(true).map_err(|e| e.to_string())?;
    let program = filter(opens).map_err(|e| e.to_string())?;
    seccompiler::apply_filter_all_threads(&program).map_err(|e| e.to_string())
}

fn filter(opens: bool) -> Result<BpfProgram, seccompiler::BackendError> {
    let mut rules: BTreeMap<libc::c_long, Vec<SeccompRule>> =
        NEVER.iter().chain(&NEVER_OLD).map(|&call| (call, Vec::new())).collect();
    rules.insert(libc::SYS_tgkill, vec![to_others()?]);
    if !opens {
        rules.insert(libc::SYS_openat, writing(2)?);
        #[cfg(target_arch = "x86_64")]
        rules.insert(libc::SYS_open, writing(1)?);
    }
    let refuse = SeccompAction::Errno(libc::EACCES as u32);
    SeccompFilter::new(rules, SeccompAction::Allow, refuse, arch()?)?.try_into()
}

/// A signal to a thread of another process; abort(3) sends one to its own.
fn to_others() -> Result<SeccompRule, seccompiler::BackendError> {
    let own = u64::from(std::process::id());
    SeccompRule::new(vec![SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, own)?])
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The errno of a system call with these arguments; 0 where it is let through.
    fn errno(call: libc::c_long, arguments: [libc::c_long; 4]) -> i32 {
        let [a, b, c, d] = arguments;
        // SAFETY: whatever is a pointer here is null, which the kernel refuses, or a C string that lives for ever.
        match unsafe { libc::syscall(call, a, b, c, d) } {
            -1 => std::io::Error::last_os_error().raw_os_error().unwrap_or(0),
            _ => 0,
        }
    }

    /// What a thread finds that has entered a sandbox of its own.
    fn inside<T: Send + 'static>(opens: bool, act: impl FnOnce() -> T + Send + 'static) -> T {
        let thread = std::thread::spawn(move || {
            rustix::thread::set_no_new_privs(true).expect("every kernel can");
            seccompiler::apply_filter(&filter(opens).expect("a filter")).expect("this kernel has seccomp");
            act()
        });
        thread.join().expect("no panic")
    }

    #[test]
    fn neither_files_nor_programs_nor_processes_are_reached_by_any_call() {
        let parent = i64::from(std::os::unix::process::parent_id());
        let (here, null) = (i64::from(libc::AT_FDCWD), c"/dev/null".as_ptr() as libc::c_long);
        let writing = libc::O_WRONLY.into();
        let found = inside(false, move || {
            [
                errno(libc::SYS_socket, [libc::AF_INET.into(), libc::SOCK_STREAM.into(), 0, 0]),
                errno(libc::SYS_io_uring_setup, [1, 0, 0, 0]),
                errno(libc::SYS_openat, [here, null, writing, 0]),
                errno(libc::SYS_openat2, [here, null, 0, 0]),
                errno(libc::SYS_kill, [parent, 0, 0, 0]),
                errno(libc::SYS_tgkill, [parent, parent, 0, 0]),
                errno(libc::SYS_unshare, [0, 0, 0, 0]),
            ]
        });
        assert_eq!(found, [libc::EACCES; 7]);
    }

    #[test]
    fn what_the_service_needs_is_let_through() {
        let (here, null) = (i64::from(libc::AT_FDCWD), c"/dev/null".as_ptr() as libc::c_long);
        let own = i64::from(std::process::id());
        let signals =
            move || errno(libc::SYS_tgkill, [own, rustix::thread::gettid().as_raw_nonzero().get().into(), 0, 0]);
        let reads = move || errno(libc::SYS_openat, [here, null, libc::O_RDONLY.into(), 0]);
        assert_eq!(inside(false, move || (signals(), reads())), (0, 0));
        assert_eq!(inside(true, move || errno(libc::SYS_openat, [here, null, libc::O_WRONLY.into(), 0])), 0);
    }
}
