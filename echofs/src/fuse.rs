//! FUSE: each method calls the method of the same name of [`Fs`] and replies; nothing is decided here but
//! on which thread. What takes longer than memory takes its reply to the [`Pool`].

mod reply;

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use fuser::{
    BsdFileFlags, CopyFileRangeFlags, Errno, FileAttr, FileHandle, Filesystem, FopenFlags, INodeNo, InitFlags,
    IoctlFlags, KernelConfig, LockOwner, OpenFlags, PollEvents, PollFlags, PollNotifier, RenameFlags, ReplyAttr,
    ReplyCreate, ReplyData, ReplyDirectory, ReplyDirectoryPlus, ReplyEmpty, ReplyEntry, ReplyIoctl, ReplyLseek,
    ReplyOpen, ReplyPoll, ReplyStatfs, ReplyWrite, ReplyXattr, Request, TimeOrNow, WriteFlags,
};

use crate::fs::Fs;
use crate::node::{Caller, Id, Ttl};
use crate::pool::{Pool, caught};
use crate::real::Changes;
use reply::{GENERATION, attributes, created, data, empty, entry, opened, position, statistics, written, xattr};

/// The filesystem as fuser drives it: one event loop that only dispatches, and the pool.
pub struct Adapter {
    fs: Arc<Fs>,
    pool: Pool,
}

impl Adapter {
    /// Serves `fs`.
    pub fn new(fs: Arc<Fs>, threads: usize) -> io::Result<Adapter> {
        Ok(Adapter { fs, pool: Pool::new(threads)? })
    }

    /// Does `job` on the pool when it is `slow`, else here.
    fn dispatch(&self, slow: bool, job: impl FnOnce(&Fs) + Send + 'static) {
        if slow {
            let fs = Arc::clone(&self.fs);
            self.pool.run(move || job(&fs));
        } else {
            caught(|| job(&self.fs));
        }
    }
}

fn id(ino: INodeNo) -> Id {
    Id(ino.0)
}

fn caller(req: &Request) -> Caller {
    Caller { pid: req.pid() }
}

impl Filesystem for Adapter {
    fn init(&mut self, _req: &Request, config: &mut KernelConfig) -> io::Result<()> {
        for flag in [
            InitFlags::FUSE_DO_READDIRPLUS,
            InitFlags::FUSE_PARALLEL_DIROPS,
            InitFlags::FUSE_CACHE_SYMLINKS,
            InitFlags::FUSE_ATOMIC_O_TRUNC,
            InitFlags::FUSE_DIRECT_IO_ALLOW_MMAP,
        ] {
            if config.add_capabilities(flag).is_err() {
                log::info!("this kernel has no {flag:?}");
            }
        }
        Ok(())
    }

    fn lookup(&self, req: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let caller = caller(req);
        if self.fs.is_slow(id(parent)) {
            let name = name.to_owned();
            self.dispatch(true, move |fs| entry(reply, fs.lookup(id(parent), &name, caller)));
        } else {
            caught(|| entry(reply, self.fs.lookup(id(parent), name, caller)));
        }
    }

    fn forget(&self, _req: &Request, ino: INodeNo, nlookup: u64) {
        self.fs.forget(id(ino), nlookup);
    }

    fn getattr(&self, _req: &Request, ino: INodeNo, _fh: Option<FileHandle>, reply: ReplyAttr) {
        caught(|| attributes(reply, self.fs.getattr(id(ino))));
    }

    fn setattr(
        &self,
        _req: &Request,
        ino: INodeNo,
        mode: Option<u32>,
        uid: Option<u32>,
        gid: Option<u32>,
        size: Option<u64>,
        atime: Option<TimeOrNow>,
        mtime: Option<TimeOrNow>,
        _ctime: Option<SystemTime>,
        fh: Option<FileHandle>,
        _crtime: Option<SystemTime>,
        _chgtime: Option<SystemTime>,
        _bkuptime: Option<SystemTime>,
        _flags: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let changes = Changes { mode, uid, gid, size, atime, mtime };
        let set = |fs: &Fs| fs.setattr(id(ino), changes, fh.map(|fh| fh.0));
        caught(|| attributes(reply, self.fs.telling("setattr", id(ino), None, set)));
    }

    fn readlink(&self, _req: &Request, ino: INodeNo, reply: ReplyData) {
        caught(|| data(reply, self.fs.readlink(id(ino))));
    }

    fn mknod(
        &self,
        req: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        _umask: u32,
        _rdev: u32,
        reply: ReplyEntry,
    ) {
        let make = |fs: &Fs| fs.mknod(id(parent), name, mode, caller(req));
        caught(|| entry(reply, self.fs.telling("mknod", id(parent), Some(name), make)));
    }

    fn mkdir(&self, _req: &Request, parent: INodeNo, name: &OsStr, mode: u32, _umask: u32, reply: ReplyEntry) {
        let (parent, name) = (id(parent), name.to_owned());
        self.dispatch(self.fs.takes_orders(parent), move |fs| {
            entry(reply, fs.telling("mkdir", parent, Some(&name), |fs| fs.mkdir(parent, &name, mode)));
        });
    }

    fn unlink(&self, req: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let (parent, name, caller) = (id(parent), name.to_owned(), caller(req));
        let unlink = move |fs: &Fs| fs.telling("unlink", parent, Some(&name), |fs| fs.unlink(parent, &name, caller));
        self.dispatch(self.fs.takes_orders(parent), move |fs| empty(reply, unlink(fs)));
    }

    fn rmdir(&self, _req: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let (parent, name) = (id(parent), name.to_owned());
        self.dispatch(self.fs.takes_orders(parent), move |fs| {
            empty(reply, fs.telling("rmdir", parent, Some(&name), |fs| fs.rmdir(parent, &name)));
        });
    }

    fn symlink(&self, _req: &Request, parent: INodeNo, link_name: &OsStr, target: &Path, reply: ReplyEntry) {
        let make = |fs: &Fs| fs.symlink(id(parent), link_name, target);
        caught(|| entry(reply, self.fs.telling("symlink", id(parent), Some(link_name), make)));
    }

    fn rename(
        &self,
        _req: &Request,
        parent: INodeNo,
        name: &OsStr,
        newparent: INodeNo,
        newname: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let (from, to, flags) = (id(parent), id(newparent), flags.bits());
        let (name, new) = (name.to_owned(), newname.to_owned());
        self.dispatch(self.fs.takes_orders(from), move |fs| {
            let rename = |fs: &Fs| fs.rename(from, &name, to, &new, flags);
            empty(reply, fs.telling("rename", from, Some(&name), rename));
        });
    }

    fn link(&self, _req: &Request, ino: INodeNo, newparent: INodeNo, newname: &OsStr, reply: ReplyEntry) {
        let link = |fs: &Fs| fs.link(id(ino), id(newparent), newname);
        caught(|| entry(reply, self.fs.telling("link", id(newparent), Some(newname), link)));
    }

    fn open(&self, req: &Request, ino: INodeNo, flags: OpenFlags, reply: ReplyOpen) {
        let open = |fs: &Fs| fs.open(id(ino), flags.0, caller(req));
        caught(|| opened(reply, self.fs.telling("open", id(ino), None, open)));
    }

    fn read(
        &self,
        req: &Request,
        _ino: INodeNo,
        fh: FileHandle,
        offset: u64,
        size: u32,
        flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let (caller, size) = (caller(req), size as usize);
        let mut reply = Some(reply);
        let now = self.fs.read_now(fh.0, offset, size, flags.0, |bytes| reply.take().map(|reply| reply.data(bytes)));
        let Some(reply) = reply else { return };
        match now {
            Err(e) => reply.error(e.errno()),
            Ok(_) if self.fs.waits(fh.0) => match self.pool.place() {
                Some(place) => {
                    let fs = Arc::clone(&self.fs);
                    let waiting = self.pool.wait(place, move || data(reply, fs.read(fh.0, offset, size, caller)));
                    if let Err(e) = waiting {
                        log::error!("a reader cannot wait: {e}");
                    }
                }
                None => reply.error(Errno::EBUSY),
            },
            Ok(_) => self.dispatch(true, move |fs| data(reply, fs.read(fh.0, offset, size, caller))),
        }
    }

    fn write(
        &self,
        _req: &Request,
        ino: INodeNo,
        fh: FileHandle,
        offset: u64,
        data: &[u8],
        _write_flags: WriteFlags,
        _flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        if self.fs.is_order(fh.0) {
            let data = data.to_vec();
            self.dispatch(true, move |fs| {
                written(reply, fs.telling("write", id(ino), None, |fs| fs.write(fh.0, offset, &data)));
            });
        } else {
            caught(|| written(reply, self.fs.telling("write", id(ino), None, |fs| fs.write(fh.0, offset, data))));
        }
    }

    fn flush(&self, _req: &Request, ino: INodeNo, fh: FileHandle, _lock_owner: LockOwner, reply: ReplyEmpty) {
        let slow = self.fs.is_order(fh.0);
        self.dispatch(slow, move |fs| empty(reply, fs.telling("write", id(ino), None, |fs| fs.flush(fh.0))));
    }

    fn release(
        &self,
        _req: &Request,
        _ino: INodeNo,
        fh: FileHandle,
        _flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        _flush: bool,
        reply: ReplyEmpty,
    ) {
        caught(|| self.fs.release(fh.0));
        reply.ok();
    }

    fn fsync(&self, _req: &Request, _ino: INodeNo, fh: FileHandle, datasync: bool, reply: ReplyEmpty) {
        self.dispatch(true, move |fs| empty(reply, fs.fsync(fh.0, datasync)));
    }

    fn opendir(&self, _req: &Request, ino: INodeNo, _flags: OpenFlags, reply: ReplyOpen) {
        let slow = self.fs.is_slow(id(ino));
        self.dispatch(slow, move |fs| {
            opened(reply, fs.opendir(id(ino)).map(|handle| (handle, FopenFlags::empty())));
        });
    }

    fn readdir(&self, _req: &Request, _ino: INodeNo, fh: FileHandle, offset: u64, mut reply: ReplyDirectory) {
        caught(|| match self.fs.readdir(fh.0, offset, |e| reply.add(e.id.ino(), e.next, e.kind, e.name)) {
            Ok(()) => reply.ok(),
            Err(e) => reply.error(e.errno()),
        });
    }

    fn readdirplus(&self, _req: &Request, _ino: INodeNo, fh: FileHandle, offset: u64, mut reply: ReplyDirectoryPlus) {
        caught(|| {
            let add = |e: crate::fs::DirEntry, attr: &FileAttr, ttl: Ttl| {
                reply.add(e.id.ino(), e.next, e.name, &ttl.entry, attr, GENERATION)
            };
            match self.fs.readdirplus(fh.0, offset, add) {
                Ok(()) => reply.ok(),
                Err(e) => reply.error(e.errno()),
            }
        });
    }

    fn releasedir(&self, _req: &Request, _ino: INodeNo, fh: FileHandle, _flags: OpenFlags, reply: ReplyEmpty) {
        caught(|| self.fs.release(fh.0));
        reply.ok();
    }

    fn fsyncdir(&self, _req: &Request, _ino: INodeNo, fh: FileHandle, datasync: bool, reply: ReplyEmpty) {
        self.dispatch(true, move |fs| empty(reply, fs.fsync(fh.0, datasync)));
    }

    fn statfs(&self, _req: &Request, _ino: INodeNo, reply: ReplyStatfs) {
        caught(|| statistics(reply, self.fs.statfs()));
    }

    fn setxattr(
        &self,
        _req: &Request,
        ino: INodeNo,
        name: &OsStr,
        value: &[u8],
        flags: i32,
        _position: u32,
        reply: ReplyEmpty,
    ) {
        let set = |fs: &Fs| fs.setxattr(id(ino), name, value, flags);
        caught(|| empty(reply, self.fs.telling("setxattr", id(ino), None, set)));
    }

    fn getxattr(&self, _req: &Request, ino: INodeNo, name: &OsStr, size: u32, reply: ReplyXattr) {
        caught(|| xattr(reply, size, self.fs.getxattr(id(ino), name)));
    }

    fn listxattr(&self, _req: &Request, ino: INodeNo, size: u32, reply: ReplyXattr) {
        caught(|| xattr(reply, size, self.fs.listxattr(id(ino))));
    }

    fn removexattr(&self, _req: &Request, ino: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let remove = |fs: &Fs| fs.removexattr(id(ino), name);
        caught(|| empty(reply, self.fs.telling("removexattr", id(ino), None, remove)));
    }

    fn create(
        &self,
        _req: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        _umask: u32,
        flags: i32,
        reply: ReplyCreate,
    ) {
        let create = |fs: &Fs| fs.create(id(parent), name, mode, flags);
        caught(|| created(reply, self.fs.telling("create", id(parent), Some(name), create)));
    }

    fn ioctl(
        &self,
        _req: &Request,
        _ino: INodeNo,
        _fh: FileHandle,
        _flags: IoctlFlags,
        _cmd: u32,
        _in_data: &[u8],
        _out_size: u32,
        reply: ReplyIoctl,
    ) {
        reply.error(Errno::ENOTTY);
    }

    fn poll(
        &self,
        _req: &Request,
        _ino: INodeNo,
        fh: FileHandle,
        notifier: PollNotifier,
        _events: PollEvents,
        _flags: PollFlags,
        reply: ReplyPoll,
    ) {
        let ready = PollEvents::POLLIN | PollEvents::POLLRDNORM | PollEvents::POLLOUT | PollEvents::POLLWRNORM;
        let is_ready = self.fs.poll(fh.0, notifier);
        reply.poll(if is_ready { ready } else { PollEvents::empty() });
    }

    fn fallocate(
        &self,
        _req: &Request,
        _ino: INodeNo,
        fh: FileHandle,
        offset: u64,
        length: u64,
        mode: i32,
        reply: ReplyEmpty,
    ) {
        self.dispatch(true, move |fs| empty(reply, fs.fallocate(fh.0, offset, length, mode)));
    }

    fn lseek(&self, _req: &Request, _ino: INodeNo, fh: FileHandle, offset: i64, whence: i32, reply: ReplyLseek) {
        caught(|| position(reply, self.fs.lseek(fh.0, offset, whence)));
    }

    fn copy_file_range(
        &self,
        _req: &Request,
        _ino_in: INodeNo,
        fh_in: FileHandle,
        offset_in: u64,
        _ino_out: INodeNo,
        fh_out: FileHandle,
        offset_out: u64,
        len: u64,
        _flags: CopyFileRangeFlags,
        reply: ReplyWrite,
    ) {
        let length = len.min(1 << 30) as usize;
        self.dispatch(true, move |fs| {
            written(reply, fs.copy_file_range(fh_in.0, offset_in, fh_out.0, offset_out, length))
        });
    }
}
