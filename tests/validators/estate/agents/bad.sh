#!/bin/sh
read -r begin
echo '{"v":1,"propose":{"call":"databricks.workspace.delete","on":"group.engineers"}}'
sleep 600
