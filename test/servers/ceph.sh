#!/usr/bin/env bash
# One-machine Ceph with its S3 gateway: a monitor, a disk and radosgw, all children of this process, all state in one folder.
# Arguments: folder, port of the gateway, port of the monitor. The first start makes the cluster, later ones find it.
set -euo pipefail
D=$1 P=$2 M=$3
c=(-c "$D/ceph.conf")
# One that ends takes the others along.
trap 'kill -9 $(jobs -p) 2>/dev/null || true' EXIT

if [ ! -e "$D/made" ]; then
  rm -rf "$D"/{mon,osd,run,log,rgw,keyring}
  mkdir -p "$D"/{mon,osd,run,log,rgw}
  F=$(uuidgen) U=$(uuidgen)
  # Without cephx both "update on start" have to be off. tcp_nodelay spares each answer 40 ms.
  cat > "$D/ceph.conf" <<C
[global]
fsid = $F
mon host = v1:127.0.0.1:$M
ms bind msgr2 = false
public addr = 127.0.0.1
auth cluster required = none
auth service required = none
auth client required = none
run dir = $D/run
admin socket = $D/run/\$name.\$pid.asok
pid file = $D/run/\$name.pid
log file = $D/log/\$name.log
crash dir = $D/log
keyring = $D/keyring
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pgp num = 4
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 1000
mon data avail crit = 1
[mon.a]
mon data = $D/mon
[osd.0]
osd data = $D/osd
osd objectstore = bluestore
bluestore block create = true
bluestore block size = 4294967296
osd memory target = 939524096
osd class update on start = false
osd crush update on start = false
[client.rgw]
rgw data = $D/rgw
rgw frontends = beast endpoint=127.0.0.1:$P tcp_nodelay=1
rgw run sync thread = false
rgw enable lc threads = false
rgw override bucket index max shards = 1
C
  ceph-authtool --create-keyring "$D/keyring" --gen-key -n mon. --cap mon 'allow *'
  ceph-authtool "$D/keyring" --gen-key -n client.admin --cap mon 'allow *' --cap osd 'allow *'
  monmaptool --create --fsid "$F" --addv a "[v1:127.0.0.1:$M]" "$D/monmap"
  ceph-mon "${c[@]}" --mkfs -i a --monmap "$D/monmap" --keyring "$D/keyring"
  ceph-mon "${c[@]}" -i a -f &
  ceph "${c[@]}" osd new "$U"
  ceph-osd "${c[@]}" -i 0 --mkfs --osd-uuid "$U"
  ceph-osd "${c[@]}" -i 0 -f &
  ceph "${c[@]}" osd crush add osd.0 1.0 root=default host=lab
  radosgw-admin "${c[@]}" -n client.rgw user create --uid=lab --display-name=lab --access-key=AKIDTEST --secret-key=secret
  touch "$D/made"
else
  ceph-mon "${c[@]}" -i a -f &
  ceph-osd "${c[@]}" -i 0 -f &
fi

radosgw "${c[@]}" -n client.rgw -f &
wait -n
