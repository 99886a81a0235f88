#!/bin/sh
# Installs the linkerd command from a release:
#
#   curl -fsSL "$LINKERD_RELEASE_URL/install.sh" | LINKERD_RELEASE_URL=$LINKERD_RELEASE_URL sh
#
# LINKERD_RELEASE_URL  where the release is: linkerd-<os>-<arch> and linkerd-<os>-<arch>.sha256 (required)
# LINKERD_SHA256       what the file must hash to, when you know it from elsewhere than that place
# INSTALLROOT          where to install, bin/linkerd below it (default: ~/.linkerd2)
#
# Nothing is installed unless the hash is right and the command runs here; an older one stays until then.
# For any POSIX shell. All is in functions: half a script does nothing.
set -eu

fail() {
  echo "install: $*" >&2
  exit 1
}

has() {
  command -v "$1" >/dev/null 2>&1
}

os() {
  case $(uname -s) in
    Linux) echo linux ;;
    Darwin) echo darwin ;;
    *) fail "there is no linkerd for $(uname -s), only for Linux and macOS" ;;
  esac
}

arch() {
  case $(uname -m) in
    x86_64 | amd64) echo amd64 ;;
    aarch64 | arm64) echo arm64 ;;
    *) fail "there is no linkerd for $(uname -m), only for amd64 and arm64" ;;
  esac
}

# A hash from a place that anyone on the way may change proves nothing.
check_url() {
  case $1 in
    "") fail "set LINKERD_RELEASE_URL to where the release is" ;;
    http://*@*) fail "LINKERD_RELEASE_URL is \"$1\", expected https://... and no user name" ;;
    https://?*) ;;
    http://127.0.0.1[:/]* | http://localhost[:/]* | "http://[::1]"[:/]*) ;;
    *) fail "LINKERD_RELEASE_URL is \"$1\", expected https://..." ;;
  esac
}

# download URL FILE
download() {
  case $1 in
    https:*) protocols="=https" ;;
    *) protocols="=http,https" ;;
  esac
  if has curl; then
    curl -fsSL --proto "$protocols" --proto-redir "$protocols" -o "$2" "$1" ||
      fail "cannot download $1"
  elif has wget; then
    wget -q -O "$2" "$1" || fail "cannot download $1"
  else
    fail "neither curl nor wget is here: install one of them"
  fi
}

sha256() {
  if has sha256sum; then
    sha256sum "$1" | cut -d ' ' -f 1
  elif has shasum; then
    shasum -a 256 "$1" | cut -d ' ' -f 1
  elif has openssl; then
    openssl dgst -sha256 -r "$1" | cut -d ' ' -f 1
  else
    fail "none of sha256sum, shasum and openssl is here: install one of them"
  fi
}

is_sha256() {
  case $1 in
    *[!0-9a-f]*) return 1 ;;
  esac
  [ ${#1} -eq 64 ]
}

# The line that puts a folder on PATH, or word that it is there.
tell_path() {
  case ":$PATH:" in
    *":$1:"*) echo "Now: linkerd check --pre" ;;
    *)
      echo "Add it to your PATH, here and in your shell's profile:"
      echo
      echo "  export PATH=\"\$PATH:$1\""
      echo
      echo "Then: linkerd check --pre"
      ;;
  esac
}

main() {
  url=${LINKERD_RELEASE_URL:-}
  url=${url%/}
  check_url "$url"
  root=${INSTALLROOT:-${HOME:?set HOME or INSTALLROOT}/.linkerd2}
  os=$(os)
  arch=$(arch)
  file="linkerd-$os-$arch"

  mkdir -p "$root/bin" 2>/dev/null || fail "cannot make $root/bin: set INSTALLROOT to a folder you may write to"
  scratch=$(mktemp -d "$root/bin/.install.XXXXXX") || fail "cannot write to $root/bin: set INSTALLROOT to a folder you may write to"
  trap 'rm -rf "$scratch"' EXIT
  trap 'exit 1' HUP INT TERM

  echo "Downloading $url/$file"
  download "$url/$file" "$scratch/linkerd"
  wanted=${LINKERD_SHA256:-}
  if [ -z "$wanted" ]; then
    download "$url/$file.sha256" "$scratch/sha256"
    wanted=$(cut -d ' ' -f 1 "$scratch/sha256" | head -n 1)
  fi
  is_sha256 "$wanted" || fail "the SHA-256 to compare with is no SHA-256: \"$(echo "$wanted" | cut -c 1-64)\""
  found=$(sha256 "$scratch/linkerd")
  [ "$found" = "$wanted" ] ||
    fail "the SHA-256 of $file is $found, expected $wanted: nothing was installed"

  chmod 755 "$scratch/linkerd"
  version=$("$scratch/linkerd" version --client --short) ||
    fail "$file does not run on this machine: nothing was installed"
  mv -f "$scratch/linkerd" "$root/bin/linkerd"
  echo "Installed linkerd $version to $root/bin/linkerd"
  tell_path "$root/bin"
}

main
