// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

/// A collection anyone may mint from: every mint takes the next number, so all mints of a block conflict.
contract Nft {
    // Slots 0, 1 and 2, in this order: the simulator presets them.
    uint256 public nextId;
    mapping(uint256 => address) public ownerOf;
    mapping(address => uint256) public balanceOf;

    event Transfer(address indexed from, address indexed to, uint256 indexed tokenId);

    function mint() external returns (uint256 tokenId) {
        tokenId = nextId;
        nextId = tokenId + 1;
        ownerOf[tokenId] = msg.sender;
        unchecked { balanceOf[msg.sender] += 1; }
        emit Transfer(address(0), msg.sender, tokenId);
    }
}
