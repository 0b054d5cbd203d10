//! What a method came to, as a reply.

use fuser::{
    Errno, FileAttr, FileHandle, FopenFlags, Generation, ReplyAttr, ReplyCreate, ReplyData, ReplyEmpty, ReplyEntry,
    ReplyLseek, ReplyOpen, ReplyStatfs, ReplyWrite, ReplyXattr,
};
use rustix::fs::StatFs;

use crate::error::Error;
use crate::fs::{Created, MAX_NAME};
use crate::node::Ttl;

/// The generation of every inode.
pub const GENERATION: Generation = Generation(0);

pub fn entry(reply: ReplyEntry, made: Result<(FileAttr, Ttl), Error>) {
    match made {
        Ok((attr, ttl)) => reply.entry_with_ttls(&ttl.attr, &ttl.entry, &attr, GENERATION),
        Err(e) => reply.error(e.errno()),
    }
}

pub fn attributes(reply: ReplyAttr, found: Result<(FileAttr, Ttl), Error>) {
    match found {
        Ok((attr, ttl)) => reply.attr(&ttl.attr, &attr),
        Err(e) => reply.error(e.errno()),
    }
}

pub fn empty(reply: ReplyEmpty, done: Result<(), Error>) {
    match done {
        Ok(()) => reply.ok(),
        Err(e) => reply.error(e.errno()),
    }
}

pub fn data(reply: ReplyData, read: Result<Vec<u8>, Error>) {
    match read {
        Ok(bytes) => reply.data(&bytes),
        Err(e) => reply.error(e.errno()),
    }
}

pub fn written(reply: ReplyWrite, done: Result<usize, Error>) {
    match done {
        Ok(size) => reply.written(size as u32),
        Err(e) => reply.error(e.errno()),
    }
}

pub fn xattr(reply: ReplyXattr, size: u32, value: Result<Vec<u8>, Error>) {
    match value {
        Ok(value) if size == 0 => reply.size(value.len() as u32),
        Ok(value) if value.len() > size as usize => reply.error(Errno::ERANGE),
        Ok(value) => reply.data(&value),
        Err(e) => reply.error(e.errno()),
    }
}

pub fn opened(reply: ReplyOpen, made: Result<(u64, FopenFlags), Error>) {
    match made {
        Ok((handle, how)) => reply.opened(FileHandle(handle), how),
        Err(e) => reply.error(e.errno()),
    }
}

pub fn created(reply: ReplyCreate, made: Result<Created, Error>) {
    match made {
        Ok(c) => reply.created(&c.ttl.attr, &c.attr, GENERATION, FileHandle(c.handle), c.how),
        Err(e) => reply.error(e.errno()),
    }
}

pub fn position(reply: ReplyLseek, found: Result<i64, Error>) {
    match found {
        Ok(at) => reply.offset(at),
        Err(e) => reply.error(e.errno()),
    }
}

pub fn statistics(reply: ReplyStatfs, found: Result<StatFs, Error>) {
    match found {
        Ok(s) => reply.statfs(
            s.f_blocks,
            s.f_bfree,
            s.f_bavail,
            s.f_files,
            s.f_ffree,
            s.f_bsize as u32,
            MAX_NAME as u32,
            s.f_frsize as u32,
        ),
        Err(e) => reply.error(e.errno()),
    }
}
