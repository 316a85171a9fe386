import { equal, net, ok, test, throws } from './kit.js';

test('isIP, isIPv4, isIPv6', () => {
  for (const [text, want] of [
    ['127.0.0.1', 4], ['255.255.255.255', 4], ['0.0.0.0', 4], ['1.2.3', 0], ['1.2.3.4.5', 0], ['256.1.1.1', 0], ['01.2.3.4', 0], ['1.2.3.4 ', 0],
    ['::', 6], ['::1', 6], ['1::', 6], ['fe80::1%eth0', 6], ['::ffff:127.0.0.1', 6], ['2001:db8::8a2e:370:7334', 6], ['1:2:3:4:5:6:7:8', 6], ['1:2:3:4:5:6:1.2.3.4', 6],
    ['1:2:3:4:5:6:7', 0], ['1:2:3:4:5:6:7:8:9', 0], ['1::2::3', 0], [':::', 0], ['1:2:3:4:5:6:7::', 6], ['::1:2:3:4:5:6:7', 6], ['::g', 0], ['12345::', 0], ['1.2.3.4::', 0],
    ['', 0], ['localhost', 0], [undefined, 0], [null, 0], [123, 0], [{}, 0],
  ]) {
    equal(net.isIP(text), want, `isIP(${text})`);
    equal(net.isIPv4(text), want === 4, `isIPv4(${text})`);
    equal(net.isIPv6(text), want === 6, `isIPv6(${text})`);
  }
  equal(net.isIP({ toString: () => '::1' }), 6);
});

test('SocketAddress', () => {
  const a = new net.SocketAddress();
  equal([a.address, a.family, a.port, a.flowlabel], ['127.0.0.1', 'ipv4', 0, 0]);
  equal(new net.SocketAddress({ family: 'ipv6' }).address, '::');
  const b = new net.SocketAddress({ address: '2001:0DB8:0:0:0:0:0:1', family: 'ipv6', port: 443, flowlabel: 7 });
  equal([b.address, b.port, b.flowlabel], ['2001:db8::1', 443, 7]);
  equal(b.toJSON(), { address: '2001:db8::1', port: 443, family: 'ipv6', flowlabel: 7 });
  throws(() => new net.SocketAddress({ family: 'ipv5' }), 'ERR_INVALID_ARG_VALUE', TypeError);
  throws(() => new net.SocketAddress({ port: -1 }), 'ERR_SOCKET_BAD_PORT', RangeError);
  throws(() => new net.SocketAddress({ address: '::1' }), 'ERR_INVALID_ADDRESS');
  throws(() => new net.SocketAddress({ family: 'ipv6', flowlabel: -1 }), 'ERR_OUT_OF_RANGE', RangeError);
  throws(() => new net.SocketAddress({ address: 5 }), 'ERR_INVALID_ARG_TYPE', TypeError);
});

test('SocketAddress writes an IPv6 address in the one way', () => {
  for (const [text, want] of [['1:0:0:2:0:0:0:3', '1:0:0:2::3'], ['0:0:0:0:0:0:0:0', '::'], ['1:0:2:0:3:0:4:0', '1:0:2:0:3:0:4:0'], ['0:0:1:0:0:2:3:4', '::1:0:0:2:3:4'], ['::FFFF:1.2.3.4', '::ffff:1.2.3.4'], ['1:2:0:0:0:0:0:0', '1:2::']]) {
    equal(new net.SocketAddress({ address: text, family: 'ipv6' }).address, want, text);
  }
});

test('SocketAddress.parse', () => {
  const { address, port, family } = net.SocketAddress.parse('123.1.2.3:1234');
  equal([address, port, family], ['123.1.2.3', 1234, 'ipv4']);
  equal(net.SocketAddress.parse('[1::1]:1234').toJSON(), { address: '1::1', port: 1234, family: 'ipv6', flowlabel: 0 });
  equal(net.SocketAddress.parse('1.2.3.4').port, 0);
  for (const wrong of ['not an ip', 'abc.123', '259.1.1.1', '12:12:12:12:12:12:12:12:12']) equal(net.SocketAddress.parse(wrong), undefined, wrong);
}, { since: 23 });

test('BlockList: addresses, ranges, subnets', () => {
  const list = new net.BlockList();
  list.addAddress('1.1.1.1');
  list.addRange('10.0.0.1', '10.0.0.10');
  list.addSubnet('8592:757c:efae:4e45::', 64, 'ipv6');
  for (const [address, family, want] of [
    ['1.1.1.1', 'ipv4', true], ['1.1.1.2', 'ipv4', false], ['10.0.0.1', undefined, true], ['10.0.0.10', undefined, true], ['10.0.0.11', undefined, false],
    ['::ffff:1.1.1.1', 'ipv6', true], ['::ffff:101:101', 'ipv6', true], ['8592:757c:efae:4e45::1', 'ipv6', true], ['8592:757c:efae:4e46::1', 'ipv6', false],
  ]) equal(list.check(address, family), want, `check(${address})`);
  ok(list.check(new net.SocketAddress({ address: '1.1.1.1' })));
  equal([...list.rules].sort(), ['Address: IPv4 1.1.1.1', 'Range: IPv4 10.0.0.1-10.0.0.10', 'Subnet: IPv6 8592:757c:efae:4e45::/64']);
  list.addAddress(new net.SocketAddress({ address: '2.2.2.2' }));
  ok(list.check('2.2.2.2'));
  list.addSubnet('192.168.1.7', 24);
  ok(list.check('192.168.1.200'));
  throws(() => list.addRange('10.0.0.2', '10.0.0.1'), 'ERR_INVALID_ARG_VALUE', TypeError);
  throws(() => list.addSubnet('1.1.1.1', 33), 'ERR_OUT_OF_RANGE', RangeError);
  throws(() => list.addAddress('1.1.1.1', 'ipv5'), 'ERR_INVALID_ARG_VALUE', TypeError);
  throws(() => list.addAddress(1), 'ERR_INVALID_ARG_TYPE', TypeError);
  throws(() => list.check(1), 'ERR_INVALID_ARG_TYPE', TypeError);
});

test('BlockList.isBlockList', () => {
  ok(net.BlockList.isBlockList(new net.BlockList()));
  ok(!net.BlockList.isBlockList({ rules: [] }));
}, { since: 23 });

test('BlockList: toJSON and fromJSON', () => {
  const data = ['Subnet: IPv4 192.168.1.0/24', 'Address: IPv4 10.0.0.5', 'Range: IPv4 192.168.2.1-192.168.2.10', 'Address: IPv6 ::1', 'Subnet: IPv6 fe80::/10'];
  const list = new net.BlockList();
  list.fromJSON(data);
  for (const address of ['192.168.1.9', '10.0.0.5', '192.168.2.5']) ok(list.check(address), address);
  ok(list.check('fe80::7', 'ipv6'));
  equal([...list.toJSON()].sort(), [...data].sort());
  const copy = new net.BlockList();
  copy.fromJSON(JSON.stringify(list));
  equal(copy.rules.length, data.length);
  throws(() => copy.fromJSON(5), 'ERR_INVALID_ARG_TYPE', TypeError);
}, { since: 24 });

test('the defaults of autoSelectFamily', () => {
  equal(net.getDefaultAutoSelectFamily(), true);
  net.setDefaultAutoSelectFamily(false);
  equal(net.getDefaultAutoSelectFamily(), false);
  net.setDefaultAutoSelectFamily(true);
  throws(() => net.setDefaultAutoSelectFamily('yes'), 'ERR_INVALID_ARG_TYPE', TypeError);
  const before = net.getDefaultAutoSelectFamilyAttemptTimeout();
  net.setDefaultAutoSelectFamilyAttemptTimeout(5);
  equal(net.getDefaultAutoSelectFamilyAttemptTimeout(), 10);
  net.setDefaultAutoSelectFamilyAttemptTimeout(before);
  throws(() => net.setDefaultAutoSelectFamilyAttemptTimeout(0), 'ERR_OUT_OF_RANGE', RangeError);
  throws(() => net.setDefaultAutoSelectFamilyAttemptTimeout('1'), 'ERR_INVALID_ARG_TYPE', TypeError);
});

test('net has what Node documents', () => {
  for (const name of ['BlockList', 'Server', 'Socket', 'SocketAddress', 'Stream', 'connect', 'createConnection', 'createServer', 'isIP']) equal(typeof net[name], 'function', name);
  ok(net.Stream === net.Socket);
  ok(net.Socket() instanceof net.Socket, 'a Socket without new');
  ok(net.Server() instanceof net.Server, 'a Server without new');
  class Mine extends net.Socket {}
  ok(new Mine() instanceof net.Socket);
});
