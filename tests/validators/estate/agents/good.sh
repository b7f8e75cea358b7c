#!/bin/sh
# Reads what it is for, proposes a read and a change, and says a last word. It shows what it can see of the machine.
read -r begin
case "$begin" in *'"allow":["databricks.group.read","databricks.group.update"]'*) ;; *) exit 1 ;; esac
echo '{"v":1,"propose":{"call":"databricks.group.read","on":"group.engineers"}}'
read -r answer
case "$answer" in *'"done":true'*displayName*) ;; *) exit 1 ;; esac
echo '{"v":1,"propose":{"call":"databricks.group.update","on":"group.engineers","spec":{"externalId":"directory-9"}}}'
read -r answer
echo "{\"v\":1,\"done\":\"knows $(env | grep -vc -e '^PATH=' -e '^PWD=' -e '^SHLVL=' -e '^_=' -e '^OLDPWD=') variables\"}"
sleep 600
