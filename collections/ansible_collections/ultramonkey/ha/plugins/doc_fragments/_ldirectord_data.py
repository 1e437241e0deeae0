from __future__ import annotations


class ModuleDocFragment:
    """What C(ldirectord.cf) says, as options."""

    DOCUMENTATION = r"""
options:
  globals:
    description: The directives that stand before all services.
    type: dict
    suboptions:
      checktimeout: &checktimeout
        description: >-
          Longest time of a connect, ping or external check, and of one of ldap, ldaps and radius. Default
          negotiatetimeout where that is given, else 5.
        type: int
      negotiatetimeout: &negotiatetimeout
        description: >-
          Longest time of any other negotiation. Default checktimeout where that is given, else 30.
        type: int
      checkinterval: &checkinterval
        description: "Time from one check of a server to the next. Default 10."
        type: int
      checkcount: &checkcount
        description: "How many echo requests a ping check sends before it has failed. Default 1."
        type: int
      failurecount: &failurecount
        description: "How many checks in a row must fail before a server is taken out. Default 1."
        type: int
      risecount: &risecount
        description: >-
          How many checks in a row must succeed before a server that was down is put in again. Only for the
          native implementation. Default 1.
        type: int
      autoreload:
        description: "Read the file again when it has changed. Default no."
        type: bool
      callback:
        description: "Run with the path of this file after the file has changed."
        type: str
      fallbackcommand: &fallbackcommand
        description: >-
          Run with C(start|stop ADDRESS:PORT tcp|udp) when the fallback begins and ends to be used.
        type: str
      logfile:
        description: "The log: a file, or a facility of syslog. Default /var/log/ldirectord.log."
        type: str
      supervised:
        description: "Stay in the foreground and log to standard output. Default no."
        type: bool
      fork:
        description: "One process a section. No effect in the native implementation."
        type: bool
      quiescent: &quiescent
        description: "A server that is down stays in the table with weight 0. Default no."
        type: bool
      readdquiescent:
        description: >-
          Put a server that is down and absent into the table with weight 0. No effect in the native
          implementation.
        type: bool
      cleanstop: &cleanstop
        description: "Take the service out of the kernel at stop. Default yes."
        type: bool
      maintenancedir:
        description: >-
          A directory; a file in it named ADDRESS, ADDRESS:PORT or a host name takes that server out.
        type: str
      ipvstimeouts:
        description: >-
          How many seconds the kernel remembers connections that are idle, as C(TCP TCPFIN UDP): established,
          being closed, and of UDP. Only for the native implementation. Default as the kernel has them.
        type: str
      emailalert: &emailalert
        description: "Send mail when a server changes. Not carried out by the native implementation."
        type: str
      emailalertfrom:
        description: "Sender of the mail. Not carried out by the native implementation."
        type: str
      emailalertfreq: &emailalertfreq
        description: "How often mail is repeated. Not carried out by the native implementation."
        type: int
      emailalertstatus: &emailalertstatus
        description: "When mail is sent. Not carried out by the native implementation."
        type: str
      smtp: &smtp
        description: "Mail server. Not carried out by the native implementation."
        type: str
      fallback:
        description: The server of IPv4 services that have no fallback of their own.
        type: dict
        suboptions:
          server:
            description: Its address, and port.
            type: str
            required: true
          forward:
            description: How packets reach it.
            type: str
            choices: [gate, masq, ipip]
      fallback6:
        description: The server of IPv6 services that have no fallback of their own.
        type: dict
        suboptions:
          server:
            description: Its address, and port.
            type: str
            required: true
          forward:
            description: How packets reach it.
            type: str
            choices: [gate, masq, ipip]
  services:
    description: The virtual services. One of O(services) and O(content) is needed.
    type: list
    elements: dict
    suboptions:
      virtual:
        description: >-
          Address and port, such as V(192.0.2.100:80) or V([2001:db8::100]:80), or a firewall mark, which is
          a number.
        type: raw
        required: true
      version:
        description: The version of IP. Needed only for a firewall mark or a host name of IPv6.
        type: int
        choices: [4, 6]
      reals:
        description: The real servers.
        type: list
        elements: dict
        suboptions:
          server:
            description: Its address, and port. A range is V(192.0.2.11->192.0.2.15:80).
            type: str
            required: true
          forward:
            description: >-
              How packets reach it. V(gate) direct routing (or the director itself), V(masq) address
              translation, V(ipip) a tunnel.
            type: str
            required: true
            choices: [gate, masq, ipip]
          weight:
            description: Its share. Default 1.
            type: int
          request:
            description: What this server is asked for. With O(services[].reals[].receive).
            type: str
          receive:
            description: What its answer must contain. With O(services[].reals[].request).
            type: str
          lower:
            description: An overloaded server is used again below so many connections.
            type: int
          upper:
            description: A server with so many connections gets no more.
            type: int
      fallback:
        description: The server that is used while no real server can be.
        type: dict
        suboptions:
          server:
            description: Its address, and port.
            type: str
            required: true
          forward:
            description: How packets reach it.
            type: str
            choices: [gate, masq, ipip]
      checktimeout: *checktimeout
      negotiatetimeout: *negotiatetimeout
      checkinterval: *checkinterval
      checkcount: *checkcount
      failurecount: *failurecount
      risecount: *risecount
      fallbackcommand: *fallbackcommand
      quiescent: *quiescent
      cleanstop: *cleanstop
      emailalert: *emailalert
      emailalertfreq: *emailalertfreq
      emailalertstatus: *emailalertstatus
      smtp: *smtp
      servicename:
        description: "A name of the service for people."
        type: str
      comment:
        description: "A remark for people."
        type: str
      checktype:
        description: "What a check does; N is N connects and then one negotiation. Default negotiate."
        type: raw
      service:
        description: "The service to negotiate with. Default by the port of the virtual service."
        type: str
      checkcommand:
        description: >-
          Program of an external check; gets address and port of the virtual service and of the real server.
        type: str
      checkport:
        description: "Port to check instead of the real server's."
        type: int
      request:
        description: "What the service is asked for. Default /."
        type: str
      receive:
        description: "Regular expression that the answer must contain."
        type: str
      httpmethod:
        description: "Method of an http check. Default GET."
        type: str
      virtualhost:
        description: "Name that an http check asks for, also in TLS."
        type: str
      tlsverify:
        description: >-
          Whether the certificate of the server must be good. Only for the native implementation. Default
          no.
        type: bool
      redirects:
        description: >-
          Whether an http check follows redirections. Only for the native implementation. Default yes.
        type: bool
      login:
        description: "User to log in as."
        type: str
      passwd:
        description: "Password to log in with."
        type: str
      database:
        description: "Database to use."
        type: str
      secret:
        description: "Shared secret of radius."
        type: str
      load:
        description: "Never did anything. No effect in the native implementation."
        type: str
      scheduler:
        description: "How the kernel chooses a server. Default wrr."
        type: str
      schedflags:
        description: "Flags of the scheduler, such as sh-port."
        type: list
        elements: str
      persistent:
        description: "How long a client stays with its server."
        type: int
      netmask:
        description: "Clients that stay together; only with persistent."
        type: str
      protocol:
        description: "Fwm for a firewall mark. Default tcp; udp when the port is 53; fwm for a mark."
        type: str
      ops:
        description: "Choose a server for each packet (udp only). Default no."
        type: bool
      monitorfile:
        description: "A file with a line for each check. Not carried out by the native implementation."
        type: str
"""
