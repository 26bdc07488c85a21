//! The calls of Windows that the standard library does not make.
//!
//! Each `unsafe` block calls one function of the system with a handle that is open and buffers that outlive the call.

#![expect(unsafe_code, reason = "the standard library has no safe call for these")]

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{Error, Result};
use std::os::windows::ffi::OsStrExt;
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::AsRawHandle;
use std::path::Path;

use s4_core::local::{FileId, Fingerprint};
use s4_core::path::DiskPath;
use windows_sys::Win32::Foundation as codes;
use windows_sys::Win32::Storage::FileSystem as win;

use super::guard::SHARE_ALL;
use crate::disk::{Kind, MountId, Stat};
use crate::error::{DiskError, DiskErrorKind};

/// Reparse points with this bit stand for another place: symbolic links, junctions, mount points.
///
/// <https://learn.microsoft.com/windows/win32/fileio/reparse-point-tags>
const NAME_SURROGATE: u32 = 0x2000_0000;
/// 1601 to 1970, in units of 100 ns.
const EPOCH: i64 = 116_444_736_000_000_000;
/// The longest path, in UTF-16 units.
const LONGEST_PATH: usize = 32_768;

/// Returns what stands at `path`, without following it.
pub(super) fn stat_at(path: &Path) -> Result<Stat> {
    let file = OpenOptions::new()
        .access_mode(win::FILE_READ_ATTRIBUTES)
        .share_mode(SHARE_ALL)
        .custom_flags(win::FILE_FLAG_BACKUP_SEMANTICS | win::FILE_FLAG_OPEN_REPARSE_POINT)
        .open(path)?;
    stat_of(&file)
}

/// Returns what an open file is.
pub(super) fn stat_of(file: &File) -> Result<Stat> {
    let basic: win::FILE_BASIC_INFO = query(file, win::FileBasicInfo)?;
    let standard: win::FILE_STANDARD_INFO = query(file, win::FileStandardInfo)?;
    let (device, file_id) = identity(file)?;
    let kind = if basic.FileAttributes & win::FILE_ATTRIBUTE_REPARSE_POINT != 0 && is_surrogate(file)? {
        Kind::Symlink
    } else if standard.Directory {
        Kind::Dir
    } else if basic.FileAttributes & win::FILE_ATTRIBUTE_DEVICE != 0 {
        Kind::Special
    } else {
        Kind::File
    };
    Ok(Stat {
        kind,
        fingerprint: Fingerprint {
            size: u64::try_from(standard.EndOfFile).unwrap_or(0),
            mtime_ns: nanoseconds(basic.LastWriteTime),
            // File systems without it say 0.
            ctime_ns: (basic.ChangeTime != 0).then(|| nanoseconds(basic.ChangeTime)),
            birth_ns: (basic.CreationTime != 0).then(|| nanoseconds(basic.CreationTime)),
            file_id,
        },
        permissions: 0,
        links: standard.NumberOfLinks.into(),
        mount: MountId { device, mount: 0 },
    })
}

fn nanoseconds(file_time: i64) -> i64 {
    file_time.saturating_sub(EPOCH).saturating_mul(100)
}

/// Returns volume and file id. The 128 bits of ReFS are folded; on NTFS the upper half is zero.
fn identity(file: &File) -> Result<(u64, FileId)> {
    match query::<win::FILE_ID_INFO>(file, win::FileIdInfo) {
        Ok(info) => {
            let id = u128::from_le_bytes(info.FileId.Identifier);
            let folded = (id as u64) ^ ((id >> 64) as u64);
            Ok((info.VolumeSerialNumber, FileId(folded)))
        }
        // FAT and some network file systems know only the older call.
        Err(_) => {
            let mut info = win::BY_HANDLE_FILE_INFORMATION::default();
            // SAFETY: the handle is open, and `info` is what the function fills.
            check(unsafe { win::GetFileInformationByHandle(file.as_raw_handle(), &raw mut info) })?;
            let id = (u64::from(info.nFileIndexHigh) << 32) | u64::from(info.nFileIndexLow);
            Ok((info.dwVolumeSerialNumber.into(), FileId(id)))
        }
    }
}

fn is_surrogate(file: &File) -> Result<bool> {
    let info: win::FILE_ATTRIBUTE_TAG_INFO = query(file, win::FileAttributeTagInfo)?;
    Ok(info.ReparseTag & NAME_SURROGATE != 0)
}

/// Asks for one class of information; `T` must be the structure of that class.
fn query<T: Default>(file: &File, class: win::FILE_INFO_BY_HANDLE_CLASS) -> Result<T> {
    let mut info = T::default();
    let size = u32::try_from(size_of::<T>()).map_err(Error::other)?;
    // SAFETY: the handle is open; `info` is a plain structure of `size` bytes, and every caller names its class.
    check(unsafe {
        win::GetFileInformationByHandleEx(file.as_raw_handle(), class, (&raw mut info).cast(), size)
    })?;
    Ok(info)
}

/// Renames to a free name on the same volume.
pub(super) fn move_to_free(from: &Path, to: &Path) -> Result<()> {
    let (from, to) = (wide(from.as_os_str()), wide(to.as_os_str()));
    // Without MOVEFILE_REPLACE_EXISTING and MOVEFILE_COPY_ALLOWED: it takes a free name or fails.
    // SAFETY: both texts end with NUL and outlive the call.
    check(unsafe { win::MoveFileExW(from.as_ptr(), to.as_ptr(), 0) })
}

/// Returns the path of what stands at `path` as its directories spell it.
pub(super) fn true_path(path: &Path) -> Result<String> {
    let file = OpenOptions::new()
        .access_mode(win::FILE_READ_ATTRIBUTES)
        .share_mode(SHARE_ALL)
        .custom_flags(win::FILE_FLAG_BACKUP_SEMANTICS | win::FILE_FLAG_OPEN_REPARSE_POINT)
        .open(path)?;
    true_path_of(&file)
}

/// Returns the path of an open file as its directories spell it.
pub(super) fn true_path_of(file: &File) -> Result<String> {
    let mut buffer = vec![0_u16; LONGEST_PATH];
    let size = u32::try_from(buffer.len()).map_err(Error::other)?;
    let flags = win::FILE_NAME_NORMALIZED | win::VOLUME_NAME_DOS;
    // SAFETY: the handle is open and the buffer holds `size` units.
    let length =
        unsafe { win::GetFinalPathNameByHandleW(file.as_raw_handle(), buffer.as_mut_ptr(), size, flags) };
    match buffer.get(..length as usize) {
        Some(found) if length > 0 => Ok(String::from_utf16_lossy(found)),
        Some(_) | None => Err(Error::last_os_error()),
    }
}

/// Returns the name of the file system that holds an open file: `NTFS`, `FAT32`.
pub(super) fn file_system_name(file: &File) -> Result<String> {
    let mut buffer = [0_u16; 64];
    let null = std::ptr::null_mut();
    // SAFETY: the handle is open; the buffer holds 64 units; whatever else could be asked for is null.
    check(unsafe {
        win::GetVolumeInformationByHandleW(
            file.as_raw_handle(),
            std::ptr::null_mut(),
            0,
            null,
            null,
            null,
            buffer.as_mut_ptr(),
            64,
        )
    })?;
    let end = buffer.iter().position(|unit| *unit == 0).unwrap_or(buffer.len());
    Ok(String::from_utf16_lossy(&buffer[..end]))
}

/// Returns the bytes that this person may still write on the volume of a directory.
pub(super) fn free_space(directory: &Path) -> Result<u64> {
    let directory = wide(directory.as_os_str());
    let mut free = 0_u64;
    let null = std::ptr::null_mut();
    // SAFETY: the text ends with NUL and `free` is what the function fills.
    check(unsafe { win::GetDiskFreeSpaceExW(directory.as_ptr(), &raw mut free, null, null) })?;
    Ok(free)
}

fn wide(text: &OsStr) -> Vec<u16> {
    text.encode_wide().chain([0]).collect()
}

fn check(outcome: i32) -> Result<()> {
    if outcome == 0 { Err(Error::last_os_error()) } else { Ok(()) }
}

/// Returns the error for what the system said.
pub(super) fn failure(error: &Error, operation: &'static str, path: &DiskPath) -> DiskError {
    let code = error.raw_os_error().and_then(|code| u32::try_from(code).ok());
    let kind = match code {
        Some(codes::ERROR_FILE_NOT_FOUND | codes::ERROR_PATH_NOT_FOUND) => DiskErrorKind::Missing,
        Some(codes::ERROR_ALREADY_EXISTS | codes::ERROR_FILE_EXISTS) => DiskErrorKind::Occupied,
        Some(codes::ERROR_SHARING_VIOLATION | codes::ERROR_LOCK_VIOLATION) => DiskErrorKind::Busy,
        Some(codes::ERROR_USER_MAPPED_FILE | codes::ERROR_DELETE_PENDING) => DiskErrorKind::Busy,
        Some(codes::ERROR_DISK_FULL | codes::ERROR_HANDLE_DISK_FULL) => DiskErrorKind::NoSpace,
        Some(codes::ERROR_INVALID_NAME | codes::ERROR_FILENAME_EXCED_RANGE) => DiskErrorKind::BadName,
        Some(codes::ERROR_DIR_NOT_EMPTY) => DiskErrorKind::NotEmpty,
        Some(codes::ERROR_DIRECTORY) => DiskErrorKind::NotADirectory,
        Some(codes::ERROR_NOT_SAME_DEVICE) => DiskErrorKind::CrossDevice,
        Some(codes::ERROR_WRITE_PROTECT) => DiskErrorKind::ReadOnly,
        Some(codes::ERROR_INVALID_FUNCTION | codes::ERROR_NOT_SUPPORTED) => DiskErrorKind::Unsupported,
        // Symbolic links need a right that most accounts lack.
        Some(codes::ERROR_PRIVILEGE_NOT_HELD) => DiskErrorKind::Unsupported,
        Some(_) | None => return DiskError::from_io(error, operation, path),
    };
    DiskError::new(kind, operation, path, error.to_string())
}
