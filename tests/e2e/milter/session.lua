-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- What all scripts for miltertest share: one SMTP session as a mail server tells it to a milter. Variables come by -D:
-- socket, and address and name of the client.

-- miltertest keeps an error's text to itself.
function fail(text)
	mt.echo(text)
	error(text)
end

function must(what, result)
	if result ~= nil then
		fail(what .. " failed")
	end
end

function equals(what, want, got)
	if want ~= got then
		fail(what .. ": want " .. tostring(want) .. ", got " .. tostring(got))
	end
end

-- A session with a client. Offered are all actions and all steps, as Postfix does; or what offer says: one word for both,
-- since some versions of miltertest send the two in the other order.
function session(offer)
	local conn = mt.connect(socket, 40, 0.05)
	if conn == nil then
		fail("cannot connect to " .. socket)
	end
	must("negotiation", mt.negotiate(conn, 6, offer or 2097151, offer or 2097151))
	must("connection", mt.conninfo(conn, name or "client.example", address or "192.0.2.1"))
	return conn
end

-- Header fields as pairs (miltertest puts the blank behind the colon itself where that was agreed upon), up to the answer at the end of the header.
function header(conn, fields)
	must("MAIL", mt.mailfrom(conn, "sender@example.org"))
	for _, field in ipairs(fields) do
		must("header field", mt.header(conn, field[1], field[2]))
	end
	must("end of the header", mt.eoh(conn))
	return mt.getreply(conn)
end

function finish(conn)
	must("end of the message", mt.eom(conn))
	return mt.getreply(conn)
end

function changed(conn, field, value)
	if not mt.eom_check(conn, MT_HDRCHANGE, field, value) then
		fail(field .. " was not changed to " .. value)
	end
end

function text(size)
	return string.rep("v", size)
end
