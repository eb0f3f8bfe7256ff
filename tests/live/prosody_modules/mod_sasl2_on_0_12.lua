-- mod_sasl2 and mod_sasl2_fast are written for the Prosody after 0.12. What they look for there, and
-- what Lua 5.4 refuses of theirs, is here; mod_sasl2_sm needs more than can be added from outside.

local stanza = require "util.stanza".stanza_mt.__index;

function stanza:get_child_attr(name, xmlns, attribute)
	local child = self:get_child(name, xmlns);
	return child and child.attr[attribute];
end

local datetime = require "util.datetime";
local write = datetime.datetime;

function datetime.datetime(seconds)
	return write(seconds and math.floor(seconds));
end

module:hook("stream-features", function (event)
	-- Whose tokens are asked for plays no part in which mechanisms are offered.
	event.stream = event.stream or { from = "somebody@" .. module.host };
	local connection = getmetatable(event.origin.conn).__index;
	if connection.ssl_info then return; end
	function connection:ssl_info()
		local socket = self:socket();
		return socket.info and socket:info();
	end
	function connection:ssl_peerfinished()
		local socket = self:socket();
		return socket.getpeerfinished and socket:getpeerfinished();
	end
end, 10);
