"""Taobao and Tmall through the Taobao Open Platform (TOP): client, requests, allow-list, errors, SQL mapping."""
